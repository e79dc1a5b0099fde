"""Readers: one module for each format, each with `rows(file, …) -> Iterator[Row]`."""
