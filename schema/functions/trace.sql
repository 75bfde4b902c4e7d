-- A message's life from the journal on, oldest first; never the customer's words. Each account is asked by key: no index has the id alone.
create function trace (p_message uuid) returns table (at timestamptz, what text, detail text)
language sql stable set enable_hashjoin = off as $$
    with m as materialized (
        select k.*
        from gateway.account a
        cross join lateral (select * from gateway.message x where x.account_id = a.account_id and x.message_id = p_message) k
    )
    select x.at, x.what, x.detail
    from (
        select m.created_at as at, 1 as n, case when m.author_type = 'human' then 'echoed' when m.kind = 'outgoing' then 'queued' when m.kind = 'incoming' then 'received'
                                              else 'written' end as what,
               case when m.kind = 'outgoing' and m.author_type <> 'human' then 'for channel ' else 'by channel ' end || a.slug || '/' || c.slug || ' (' || c.adapter || '), provider''s id '
               || coalesce (m.external_id, 'none') as detail
        from m
        join gateway.account a on a.account_id = m.account_id
        join gateway.channel c on c.account_id = m.account_id and c.channel_id = m.channel_id
        union all
        select j.at, 2, 'journaled',
               'as ' || j.journal_id || ', ' || coalesce (octet_length (j.raw) || ' bytes', 'in file ' || j.file, 'no body')
               || ', ' || j.outcome
        from m
        join gateway.journal j on j.account_id = m.account_id and j.journal_id = m.journal_id and j.at = m.created_at
        union all
        select m.created_at, 3, 'stored',
               'as message ' || m.number || ' of ticket #' || t.number || ' (' || t.ticket_id || '), status ' || m.status
        from m
        join gateway.ticket t on t.account_id = m.account_id and t.ticket_id = m.ticket_id
        union all
        select f.created_at, 4, 'attachment', f.attachment_id || ', ' || coalesce (f.mime, 'unknown type') || ', ' || f.status
               || coalesce (', ' || f.error, '')
        from m
        join gateway.attachment f on f.account_id = m.account_id and f.message_id = m.message_id
        union all
        select e.at, 5, 'event', 'number ' || e.number || ', ' || e.type
        from m
        join gateway.event e on e.account_id = m.account_id and e.message_id = m.message_id and e.at >= m.created_at
        union all
        select a.at, 6, 'attempt',
               a.attempt || ' of part ' || a.part || ' took ' || a.milliseconds || ' ms: ' || a.outcome
               || coalesce (', HTTP ' || a.http_status, '') || coalesce (', code ' || a.code, '')
        from m
        join gateway.attempt a on a.account_id = m.account_id and a.message_id = m.message_id
        union all
        select p.created_at, 7, 'named', 'part ' || p.part || ' is ' || coalesce (k.external_id, 'unnamed') || ' with the provider'
        from m
        join gateway.part k on k.account_id = m.account_id and k.message_id = m.message_id
        join gateway.provider_id p
          on p.account_id = m.account_id and p.channel_id = m.channel_id
         and p.hash = message_hash (k.external_id)
        union all
        select r.at, 8, 'receipt', r.status || coalesce (', code ' || r.code, '')
        from m
        join gateway.receipt r on r.account_id = m.account_id and r.message_id = m.message_id
    ) x
    order by x.at, x.n, x.detail
$$;
comment on function trace is 'what happened to a message; no locks';
