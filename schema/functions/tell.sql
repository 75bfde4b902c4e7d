-- Writes lines into accounts' logs, in the order given; the last thing a writing transaction does, because the counters are the last lock
-- and are held until the commit is on disk. Entries of types that are null are passed over.
create function tell (p_accounts bigint[], p_types text[], p_tickets uuid[], p_messages uuid[], p_subjects uuid[], p_at timestamptz)
returns void language plpgsql
  set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    with happening as materialized (
        select * from unnest (p_accounts, p_types, p_tickets, p_messages, p_subjects) with ordinality x (a, type, t, m, s, o)
        where type is not null
    ), bumped as (
        insert into gateway.counter as c (account_id, last_event)
        select a, count (*) from happening group by a order by a
        on conflict (account_id) do update set last_event = c.last_event + excluded.last_event
        returning account_id, last_event
    )
    insert into gateway.event (account_id, number, type, at, ticket_id, message_id, subject_id)
    select h.a, b.last_event + 1 - row_number () over (partition by h.a order by h.o desc), h.type, p_at, h.t, h.m, h.s
    from happening h join bumped b on b.account_id = h.a;
end $$;
comment on function tell is 'adds events; locks counters in account order';
