-- Where an account's log stands: lists say at which event number they are true.
create function event_at (p_account bigint) returns bigint language sql stable as $$
    select coalesce ((select c.last_event from gateway.counter c where c.account_id = p_account), 0)
$$;
comment on function event_at is 'the newest event number of an account';

-- Events after a number, in order, with the objects they speak of as they are now, each looked up by its key.
create function api_events (p_account bigint, p_after bigint, p_limit int)
returns table (number bigint, type text, body text, at timestamptz)
language plpgsql stable rows 200
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    perform plan_young ();
    return query
    with page as materialized (
        select e.number, e.type, e.at, e.ticket_id, e.message_id, e.channel_id,
               case when e.type like 'contact.%' then e.subject_id end as contact_id,
               case when e.type = 'input.quarantined' then e.subject_id end as quarantine_id,
               case when e.type = 'channel.updated' then e.subject_id end as notice_id
        from gateway.event e
        where e.account_id = p_account and e.number > p_after
        order by e.number
        limit p_limit
    )
    select p.number, p.type,
           json_build_object (
               'number', p.number,
               'type', p.type,
               'at', json_time (p.at),
               'ticket_id', p.ticket_id,
               'message_id', p.message_id,
               'data', case
                   when p.message_id is not null then json_build_object ('ticket', t.j, 'message', m.j)
                   when p.ticket_id is not null then json_build_object ('ticket', t.j)
                   when p.contact_id is not null then json_build_object ('contact', k.j)
                   when p.quarantine_id is not null then json_build_object ('quarantine', q.j)
                   when n.j is not null then json_build_object ('channel', c.j, 'update', n.j)
                   when p.channel_id is not null then json_build_object ('channel', c.j)
                   else json_build_object () end)::text,
           p.at
    from page p
    left join lateral ticket_json (p_account, p.ticket_id) t (j) on true
    left join lateral message_json (p_account, p.message_id) m (j) on true
    left join lateral contact_json (p_account, p.contact_id) k (j) on true
    left join lateral quarantine_json (p_account, p.quarantine_id) q (j) on true
    left join lateral channel_health_json (p_account, p.channel_id) c (j) on true
    left join lateral notice_json (p_account, p.notice_id) n (j) on true
    order by p.number;
end $$;
comment on function api_events is 'events after a number, in order; no locks';

create function event_bounds (p_account bigint) returns table (oldest bigint, newest bigint) language sql stable as $$
    select coalesce ((select min (e.number) from gateway.event e where e.account_id = p_account), event_at (p_account) + 1),
           event_at (p_account)
$$;
comment on function event_bounds is 'the oldest event that is kept, and the newest number; no locks';

create function event_heads (p_accounts bigint[]) returns table (account_id bigint, newest bigint) language sql stable as $$
    select c.account_id, c.last_event from gateway.counter c where c.account_id = any (p_accounts)
$$;
comment on function event_heads is 'where the logs of these accounts stand; no locks';
