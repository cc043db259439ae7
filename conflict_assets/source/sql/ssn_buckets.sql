-- The cells of blocks that are named by SSN and block: only the warehouse knows its hashes.
SELECT
    item.VALUE::VARCHAR AS ssn,
    (SUBSTR(ssn, 1, :prefix_length)::INTEGER + 1) * :buckets + BITAND(HASH(ssn), :bucket_mask)::INTEGER AS bucket
FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:ssns))) AS item
