"""Writers: one module for each format, each with `pieces(…) -> Iterator[bytes]`."""
