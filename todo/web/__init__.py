"""The web page at `/`: an app of plain JavaScript modules over the public API, served as it lies in the folder `page`.

There is no build step (docs/decisions/0031). What is served is read, filled in and compressed once, at start.
"""
