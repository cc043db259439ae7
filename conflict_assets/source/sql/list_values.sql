-- The texts of a list as rows, for a list that is too long for the statement that needs it.
SELECT item.VALUE::VARCHAR AS VALUE
FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:list))) AS item
