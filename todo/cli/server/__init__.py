"""Commands for administrators: they serve, or work on the database. Imports of the server stand inside them."""
