-- How many transactions ago the oldest snapshot was taken that vacuum must spare; 0: none. A session, a standby or a prepared transaction that
-- holds one for long lets every table swell. Other users' sessions are seen by members of pg_read_all_stats only.
create function oldest_snapshot () returns bigint language sql volatile as $$
    select coalesce (max (age (x)), 0)::bigint
    from (
        select backend_xmin from pg_stat_activity where datname = current_database () or datname is null
        union all
        select xmin from pg_replication_slots
        union all
        select transaction from pg_prepared_xacts where database = current_database ()
    ) held (x)
$$;
comment on function oldest_snapshot is 'age of what holds vacuum back, in transactions; no locks';
