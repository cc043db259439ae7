"""What a visit conflict is: pure functions on frames, free of Dagster and of drivers."""
