"""Jobs, schedules, sensors and the executor: they start and run the assets."""
