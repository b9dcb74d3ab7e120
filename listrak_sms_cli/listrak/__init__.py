"""Listrak's SMS API, as far as this project uses it; usable without the rest of the package."""
