SELECT flag, count(*) FROM planted GROUP BY flag ORDER BY flag;
