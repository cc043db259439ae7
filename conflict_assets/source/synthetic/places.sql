-- ZIP codes in and around New York City with a point in each, and the pairs of them that a caregiver may work in.
CREATE TEMP TABLE places AS
SELECT row_number() OVER () - 1 AS place, zip, city, county, latitude, longitude
FROM (VALUES
    ('10001', 'New York', 'New York', 40.7506, -73.9972),
    ('10002', 'New York', 'New York', 40.7157, -73.9863),
    ('10025', 'New York', 'New York', 40.7985, -73.9683),
    ('10029', 'New York', 'New York', 40.7918, -73.9447),
    ('10032', 'New York', 'New York', 40.8388, -73.9427),
    ('10040', 'New York', 'New York', 40.8583, -73.9302),
    ('10453', 'Bronx', 'Bronx', 40.8525, -73.9122),
    ('10458', 'Bronx', 'Bronx', 40.8631, -73.8895),
    ('10462', 'Bronx', 'Bronx', 40.8433, -73.8606),
    ('10466', 'Bronx', 'Bronx', 40.8910, -73.8466),
    ('10473', 'Bronx', 'Bronx', 40.8186, -73.8590),
    ('10301', 'Staten Island', 'Richmond', 40.6316, -74.0927),
    ('10306', 'Staten Island', 'Richmond', 40.5682, -74.1180),
    ('10312', 'Staten Island', 'Richmond', 40.5457, -74.1792),
    ('11201', 'Brooklyn', 'Kings', 40.6937, -73.9898),
    ('11207', 'Brooklyn', 'Kings', 40.6705, -73.8942),
    ('11209', 'Brooklyn', 'Kings', 40.6219, -74.0301),
    ('11212', 'Brooklyn', 'Kings', 40.6629, -73.9130),
    ('11215', 'Brooklyn', 'Kings', 40.6627, -73.9866),
    ('11218', 'Brooklyn', 'Kings', 40.6436, -73.9765),
    ('11220', 'Brooklyn', 'Kings', 40.6412, -74.0165),
    ('11226', 'Brooklyn', 'Kings', 40.6466, -73.9566),
    ('11229', 'Brooklyn', 'Kings', 40.6011, -73.9443),
    ('11235', 'Brooklyn', 'Kings', 40.5836, -73.9491),
    ('11236', 'Brooklyn', 'Kings', 40.6394, -73.9003),
    ('11101', 'Long Island City', 'Queens', 40.7471, -73.9395),
    ('11354', 'Flushing', 'Queens', 40.7683, -73.8273),
    ('11368', 'Corona', 'Queens', 40.7496, -73.8527),
    ('11373', 'Elmhurst', 'Queens', 40.7388, -73.8786),
    ('11385', 'Ridgewood', 'Queens', 40.7006, -73.8895),
    ('11432', 'Jamaica', 'Queens', 40.7155, -73.7927),
    ('11434', 'Jamaica', 'Queens', 40.6767, -73.7764),
    ('11691', 'Far Rockaway', 'Queens', 40.6019, -73.7620),
    ('10701', 'Yonkers', 'Westchester', 40.9462, -73.8669),
    ('10550', 'Mount Vernon', 'Westchester', 40.9063, -73.8351),
    ('10601', 'White Plains', 'Westchester', 41.0329, -73.7652),
    ('10801', 'New Rochelle', 'Westchester', 40.9171, -73.7848),
    ('10566', 'Peekskill', 'Westchester', 41.2895, -73.9204),
    ('11550', 'Hempstead', 'Nassau', 40.7047, -73.6176),
    ('11520', 'Freeport', 'Nassau', 40.6538, -73.5866),
    ('11590', 'Westbury', 'Nassau', 40.7557, -73.5732),
    ('11801', 'Hicksville', 'Nassau', 40.7623, -73.5230),
    ('11717', 'Brentwood', 'Suffolk', 40.7838, -73.2522),
    ('11772', 'Patchogue', 'Suffolk', 40.7656, -73.0151),
    ('10952', 'Monsey', 'Rockland', 41.1126, -74.0695)
) AS known(zip, city, county, latitude, longitude);

-- `too_short` and `enough` are whole minutes below and above the time that the trip takes by the rules (haversine,
-- default factor and speed bands). Distances near the edge of a band are left out: there a few yards would decide.
CREATE TEMP TABLE place_pairs AS
WITH air AS (
    SELECT
        near.place AS near_place,
        far.place AS far_place,
        1.25 * 2 * 3958.7613 * asin(sqrt(
            pow(sin(radians(far.latitude - near.latitude) / 2), 2)
            + cos(radians(near.latitude)) * cos(radians(far.latitude))
            * pow(sin(radians(far.longitude - near.longitude) / 2), 2)
        )) AS miles
    FROM places AS near, places AS far
    WHERE near.place <> far.place
),

trips AS (
    SELECT *, miles * 60 / CASE WHEN miles < 5 THEN 4 WHEN miles < 10 THEN 10 WHEN miles < 20 THEN 25 ELSE 50 END
        AS minutes
    FROM air
    WHERE miles BETWEEN 1.9 AND 55 AND abs(miles - 5) > 0.1 AND abs(miles - 10) > 0.1 AND abs(miles - 20) > 0.1
)

SELECT
    row_number() OVER (ORDER BY near_place, far_place) - 1 AS pair,
    near_place,
    far_place,
    (floor(minutes) - 1)::INTEGER AS too_short,
    (ceil(minutes) + 1)::INTEGER AS enough
FROM trips;
