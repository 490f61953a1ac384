"""Examples that ship: mappings to copy, over data that is installed beside this package."""
