"""Import of one's own images: a zip, a folder or a table is checked, copied into the home and becomes `imported:NAME`."""
