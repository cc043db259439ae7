SELECT count(*) FROM shifts;
