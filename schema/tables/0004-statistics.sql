-- SPDX-License-Identifier: Apache-2.0

-- What only grows is measured anew when it has doubled (analyze_grown, and where no gateway runs, autovacuum). By autovacuum's own measure, a
-- tenth more, a young table would be read again every few seconds, beside the intake that fills it.
-- Tickets change with every message that comes, but what is known of their columns hardly does.
alter table gateway.ticket set (autovacuum_analyze_scale_factor = 10);
alter table gateway.message set (autovacuum_analyze_scale_factor = 1);
alter table gateway.provider_id set (autovacuum_analyze_scale_factor = 1);
alter table gateway.part set (autovacuum_analyze_scale_factor = 1);
do $$
declare
    v_name text;
begin
    for v_name in
        select inhrelid::regclass from pg_inherits
        where inhparent in ('gateway.journal'::regclass, 'gateway.attempt'::regclass, 'gateway.event'::regclass)
    loop
        execute format ('alter table %s set (autovacuum_analyze_scale_factor = 1)', v_name);
    end loop;
end $$;
