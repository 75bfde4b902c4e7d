-- Makes the partition of a week of a table, unless rows of that week lie in the default partition already: then they stay there.
create function make_partition (p_table text, p_week timestamptz) returns void language plpgsql as $$
declare
    v_from timestamptz := date_trunc ('week', p_week, 'UTC');
    v_name text := p_table || to_char (v_from at time zone 'UTC', '"_"YYYYMMDD');
    v_taken boolean;
begin
    if to_regclass ('gateway.' || v_name) is not null then
        return;
    end if;
    execute format ('select exists (select from gateway.%I where at >= $1 and at < $2)', p_table || '_default')
        into v_taken using v_from, v_from + interval '7 days';
    if not v_taken then
        execute format ('create table gateway.%I partition of gateway.%I for values from (%L) to (%L)', v_name, p_table, v_from,
                        v_from + interval '7 days');
    end if;
end $$;
comment on function make_partition is 'one week of journal or event; takes a short exclusive lock on the table';

-- Drops the weeks that ended before p_before, and what is as old in the default partition, in slices.
create function drop_partitions (p_table text, p_before timestamptz) returns void language plpgsql as $$
declare
    v record;
begin
    for v in
        select c.relname from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = ('gateway.' || p_table)::regclass
          and c.relname ~ ('^' || p_table || '_[0-9]{8}$')
          and to_date (right (c.relname, 8), 'YYYYMMDD') + 7 <= (p_before at time zone 'UTC')::date
    loop
        execute format ('drop table gateway.%I', v.relname);
    end loop;
    execute format ('delete from gateway.%1$I where ctid = any (array (select ctid from gateway.%1$I where at < $1 limit 10000))', p_table || '_default')
        using p_before;
end $$;
comment on function drop_partitions is 'removes what is older than its retention';

-- The regular work on the tables, by the gateway's scheduler. Two gateways at once: the second finds nothing to do.
create function maintain (p_now timestamptz, p_journal interval, p_events interval, p_provider_ids interval) returns void language plpgsql as $$
begin
    if not pg_try_advisory_xact_lock (1398227526) then
        return;
    end if;
    perform make_partition (t, p_now + w) from unnest (array['journal', 'event']) t, unnest (array[interval '0', interval '7 days']) w;
    perform drop_partitions ('journal', p_now - p_journal);
    perform drop_partitions ('event', p_now - p_events);
    delete from gateway.provider_id where ctid = any (array (
        select ctid from gateway.provider_id where created_at < p_now - p_provider_ids limit 10000));
    delete from gateway.receipt where ctid = any (array (
        select ctid from gateway.receipt where at < p_now - interval '7 days' limit 10000));
end $$;
comment on function maintain is 'partitions and retention; an advisory lock, and a short exclusive lock on journal and event when a week is made';
