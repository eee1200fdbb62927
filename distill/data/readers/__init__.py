"""Files of rows: CSV, JSON Lines, Parquet."""
