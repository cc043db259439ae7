"""What starts and runs the assets: jobs, schedule, sensors, executor."""
