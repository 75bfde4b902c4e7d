-- SPDX-License-Identifier: Apache-2.0

-- What only grows is looked through anew when it has doubled: for statistics by analyze_grown (and where no gateway runs, by autovacuum), to freeze
-- by autovacuum. By autovacuum's own measure, a tenth or a fifth more, a young table would be read again every few seconds, beside the intake that
-- fills it.
do $$
declare
    v_name text;
begin
    for v_name in
        select inhrelid::regclass::text from pg_inherits
        where inhparent in ('gateway.journal'::regclass, 'gateway.attempt'::regclass, 'gateway.event'::regclass)
        union all
        values ('gateway.message'), ('gateway.provider_id'), ('gateway.part')
    loop
        execute format ('alter table %s set (autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_scale_factor = 1)', v_name);
    end loop;
end $$;
-- Tickets change with every message that comes, but what is known of their columns hardly does.
alter table gateway.ticket set (autovacuum_analyze_scale_factor = 10);
