-- How many rows the fact view has, which says how fine its cells should be.
SELECT COUNT(*) AS visits FROM FACTVISITCALLPERFORMANCE_CR
