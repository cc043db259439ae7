"""What people look at: the HTML report, its charts, and pictures for the UI."""
