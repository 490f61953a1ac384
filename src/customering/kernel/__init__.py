"""Words every other package speaks: ids, time, records, errors, money, repeatable chance."""
