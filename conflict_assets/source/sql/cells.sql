-- How many visits each cell holds, and the sum of their hashes: what differs from the last night's has changed. Equal rows
-- that change alike change the sum, which a sum without carries, such as an XOR, would not show.
WITH
{% include "parts/classified_visits.sql" %}

SELECT cell, COUNT(*) AS visits, MOD(MOD(SUM(visit_hash), :modulus) + :modulus, :modulus)::BIGINT AS hash_sum
FROM visit
GROUP BY cell
