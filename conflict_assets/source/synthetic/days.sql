-- One row a date: its distance from the run's date, its local midnight as an instant, and the clock changes of it
-- and of the date after it, in minutes.
CREATE TEMP TABLE days AS
WITH midnights AS (
    SELECT
        number::INTEGER AS day,
        getvariable('as_of') + number::INTEGER AS visit_date,
        epoch_us(timezone('America/New_York', (getvariable('as_of') + number::INTEGER)::TIMESTAMP)) AS midnight
    FROM range(getvariable('first_day'), getvariable('last_day') + 4) AS numbers(number)
),

shifts AS (
    SELECT *, ((lead(midnight) OVER (ORDER BY day) - midnight) // 60000000 - 1440)::INTEGER AS today_shift
    FROM midnights
)

SELECT *, lead(today_shift) OVER (ORDER BY day) AS tomorrow_shift, isodow(visit_date) >= 6 AS weekend
FROM shifts
ORDER BY day;
