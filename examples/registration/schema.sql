CREATE TABLE node_registrations (
    node_id      uuid PRIMARY KEY,
    name         text NOT NULL,
    node_type    text NOT NULL CHECK (node_type IN ('effect', 'compute', 'reducer', 'orchestrator')),
    node_version text NOT NULL,
    capabilities jsonb NOT NULL,
    endpoints    jsonb NOT NULL,
    announced_at timestamptz NOT NULL
);
