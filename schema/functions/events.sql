-- The objects that an event speaks of, as they are now.
create function event_data (e gateway.event) returns json language sql stable as $$
    select case
        when e.message_id is not null then json_build_object (
            'ticket', (select ticket_json (t) from gateway.ticket t where t.account_id = e.account_id and t.ticket_id = e.ticket_id),
            'message', (select message_json (m) from gateway.message m where m.account_id = e.account_id and m.message_id = e.message_id))
        when e.ticket_id is not null then json_build_object (
            'ticket', (select ticket_json (t) from gateway.ticket t where t.account_id = e.account_id and t.ticket_id = e.ticket_id))
        when e.type like 'contact.%' then json_build_object (
            'contact', (select contact_json (k) from gateway.contact k where k.account_id = e.account_id and k.contact_id = e.subject_id))
        when e.type = 'input.quarantined' then json_build_object (
            'quarantine', (select quarantine_json (q) from gateway.quarantine q
                           where q.account_id = e.account_id and q.quarantine_id = e.subject_id))
        else json_build_object () end
$$;
comment on function event_data is 'the objects of an event as they are when read';

create function api_events (p_account bigint, p_after bigint, p_limit int)
returns table (number bigint, type text, body text)
language sql stable rows 200 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    select e.number, e.type,
           json_build_object ('number', e.number, 'type', e.type, 'at', json_time (e.at), 'ticket_id', e.ticket_id,
                              'message_id', e.message_id, 'data', event_data (e))::text
    from gateway.event e
    where e.account_id = p_account and e.number > p_after
    order by e.number
    limit p_limit
$$;
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
