ALTER TABLE prefix_runs ADD COLUMN content text;
COMMENT ON COLUMN prefix_runs.content IS
    'The visits and the code that judged them: the same text stands for the same rows under a policy; NULL: unknown';
