-- Makes the partition of a week of a table, unless rows of that week lie in the default partition already: then they stay there.
-- Whoever writes waits for the lock that this takes, so it waits two seconds at most for its own and leaves the work for the next time.
create function make_partition (p_table text, p_week timestamptz) returns void language plpgsql
  set timezone = 'UTC' set lock_timeout = '2s' as $$
declare
    v_from timestamptz := date_trunc ('week', p_week);
    v_name text := p_table || to_char (v_from, '"_"YYYYMMDD');
    v_taken boolean;
begin
    if to_regclass ('gateway.' || v_name) is not null then
        return;
    end if;
    execute format ('select exists (select from gateway.%I where at >= $1 and at < $2)', p_table || '_default')
        into v_taken using v_from, v_from + interval '7 days';
    if not v_taken then
        execute format ('create table gateway.%I partition of gateway.%I for values from (%L) to (%L) '
                        'with (autovacuum_analyze_scale_factor = 1, autovacuum_vacuum_insert_scale_factor = 1)',
                        v_name, p_table, v_from, v_from + interval '7 days');
    end if;
exception
    when lock_not_available or check_violation then     -- busy, or a row of that week came meanwhile
        null;
end $$;
comment on function make_partition is 'one week of journal, attempt or event; takes a short exclusive lock on the table';

-- What must be there before a week's first row. Of two gateways at once the second waits.
create function make_partitions (p_now timestamptz) returns void language plpgsql as $$
declare
    v_table text;
begin
    perform pg_advisory_xact_lock (1398227529);
    -- in the order in which writers come to these tables
    foreach v_table in array array['journal', 'attempt', 'event'] loop
        perform make_partition (v_table, p_now), make_partition (v_table, p_now + interval '168 hours');
    end loop;
end $$;
comment on function make_partitions is 'this week''s and the next week''s partitions; an advisory lock, short exclusive locks on journal, attempt and event';

-- Drops the weeks that ended before p_before, and what is as old in the default partition, in slices.
create function drop_partitions (p_table text, p_before timestamptz) returns void language plpgsql
  set timezone = 'UTC' set lock_timeout = '2s' as $$
declare
    v_name text;
begin
    for v_name in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = ('gateway.' || p_table)::regclass
          and c.relname ~ ('^' || p_table || '_[0-9]{8}$')
          and to_date (right (c.relname, 8), 'YYYYMMDD') + 7 <= p_before::date
        order by c.relname
    loop
        execute format ('drop table gateway.%I', v_name);
    end loop;
    execute format ('delete from gateway.%1$I where ctid = any (array (select ctid from gateway.%1$I where at < $1 limit 10000))',
                    p_table || '_default')
        using p_before;
exception
    when lock_not_available then
        null;
end $$;
comment on function drop_partitions is 'removes what is older than its retention; takes a short exclusive lock on the table';

-- Plans are made from statistics. Those of a table that grows for the first time age within minutes, sooner than autovacuum comes round; and what
-- only grows, autovacuum leaves to this (tables/0004-statistics.sql). Once a minute, by the gateway's scheduler; of two gateways at once the second
-- has nothing to do.
create function analyze_grown () returns void language plpgsql as $$
declare
    v_name text;
begin
    if not pg_try_advisory_xact_lock (1398227527) then
        return;
    end if;
    for v_name in
        select s.relname
        from pg_stat_user_tables s
        join pg_class c on c.oid = s.relid
        where s.schemaname = 'gateway'
          and c.relkind = 'r'
          and s.n_mod_since_analyze > greatest (1000, c.reltuples)
        order by s.relname
    loop
        execute format ('analyze gateway.%I', v_name);
    end loop;
end $$;
comment on function analyze_grown is 'renews the statistics of tables that have doubled; an advisory lock';

-- What is past its retention, once a minute, by the gateway's scheduler. Of two gateways at once the second has nothing to do.
-- The intervals are those of `retention:` in the configuration, in its order. Slices are bounded, so that no transaction is long: 100,000 ids a minute is what a gateway of 1,600 messages a second needs.
create function maintain (p_now timestamptz, p_journal interval, p_events interval, p_provider_ids interval, p_receipts interval, p_idempotency interval,
                          p_uploads interval)
returns void language plpgsql as $$
begin
    if not pg_try_advisory_xact_lock (1398227526) then
        return;
    end if;
    delete from gateway.provider_id where ctid = any (array (
        select ctid from gateway.provider_id where created_at < p_now - p_provider_ids limit 100000));
    -- Those that found no message, and those whose events have gone.
    delete from gateway.receipt where ctid = any (array (
        select ctid from gateway.receipt where message_id is null and at < p_now - p_receipts limit 100000 for update skip locked));
    delete from gateway.receipt where ctid = any (array (
        select ctid from gateway.receipt where message_id is not null and at < p_now - p_events limit 100000 for update skip locked));
    delete from gateway.notice where ctid = any (array (
        select ctid from gateway.notice where at < p_now - p_events limit 100000));
    delete from gateway.channel_note where ctid = any (array (
        select ctid from gateway.channel_note where expires_at < p_now limit 100000 for update skip locked));
    delete from gateway.idempotency where ctid = any (array (
        select ctid from gateway.idempotency where created_at < p_now - p_idempotency limit 100000));
    -- Files that were uploaded for a message that never came; their bytes stay in storage.directory, where another may have the same.
    delete from gateway.attachment where ctid = any (array (
        select ctid from gateway.attachment where message_id is null and created_at < p_now - p_uploads limit 10000
        for update skip locked));
    -- What waits in the quarantine is kept for as long as it waits.
    update gateway.quarantine q set raw = j.raw, file = j.file
    from gateway.journal j
    where q.reprocessed_at is null and q.at < p_now - p_journal and q.raw is null and q.file is null
      and j.account_id = q.account_id and j.journal_id = q.quarantine_id and j.at = q.at;
    -- Last, because nobody writes from here to the commit; in the order in which writers come to these tables.
    perform drop_partitions ('journal', p_now - p_journal);
    perform drop_partitions ('attempt', p_now - p_events);
    perform drop_partitions ('event', p_now - p_events);
end $$;
comment on function maintain is 'retention; an advisory lock, a short exclusive lock on journal, attempt and event';
