-- How often each scenario is dealt: `weight` cards of it in the deck. Scenarios with worked times, or with calls, can
-- only lie in the past; those with a third agency only befall who works for three. Weight 0 is dealt by hand.
CREATE TEMP TABLE scenarios AS
WITH facts AS (
    SELECT
        scenario,
        max(agency) FILTER (agency <= 2) + 1 AS agencies,
        bool_and(act_from IS NULL AND act_to IS NULL) AS may_be_future,
        max(greatest(1440 * dated + 1, coalesce(sch_to, 0), coalesce(act_to, 0))) > 1440 AS two_days
    FROM scenario_visits
    GROUP BY scenario
),

weights AS (
    FROM (VALUES
        ('day at two agencies', 5),
        ('worked day at two agencies', 5),
        ('day at three agencies', 4),
        ('same schedules', 3),
        ('same worked times', 3),
        ('schedule same as worked', 3),
        ('schedules overlap', 3),
        ('worked times overlap', 3),
        ('schedule over worked', 3),
        ('trip too short', 3),
        ('trip in no time', 2),
        ('trip with time enough', 2),
        ('worked times touch in one ZIP code', 2),
        ('overlap from before the window', 0)
    ) AS known(scenario, weight)
)

SELECT facts.*, coalesce(weights.weight, 1) AS weight
FROM facts
LEFT JOIN weights USING (scenario);

-- Four decks: past or future, two or three agencies. Cards lie in a fixed shuffled order.
CREATE TEMP TABLE decks AS
WITH kinds AS (
    SELECT past, three_agencies
    FROM (VALUES (TRUE), (FALSE)) AS times(past), (VALUES (TRUE), (FALSE)) AS sizes(three_agencies)
),

cards AS (
    SELECT kinds.past, kinds.three_agencies, scenarios.scenario, scenarios.two_days, copies.copy
    FROM kinds
    JOIN scenarios ON (kinds.past OR scenarios.may_be_future) AND (kinds.three_agencies OR scenarios.agencies <= 2)
    JOIN range(1, 99) AS copies(copy) ON copies.copy <= scenarios.weight
)

SELECT
    *,
    row_number() OVER (
        PARTITION BY past, three_agencies ORDER BY md5(concat_ws(':', scenario, copy)), scenario, copy
    ) - 1 AS card,
    count(*) OVER (PARTITION BY past, three_agencies) AS cards
FROM cards;
