-- How rows look outside (design: tickets, messages, events as JSON). All are stable and take no locks.
--
-- Each is a set of one row, or of none, because the planner opens only such functions inside a query that calls them in its FROM; a plain
-- one would be planned anew in every call. So: `cross join lateral ticket_json (t.account_id, t.ticket_id) j`.

create function json_time (p_at timestamptz) returns text language sql stable as $$
    select to_char (p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
comment on function json_time is 'RFC 3339, UTC, microseconds';

create function message_hash (p_external_id text) returns bytea language sql stable as $$
    select substr (sha256 (convert_to ('m ' || p_external_id, 'UTF8')), 1, 16)
$$;
comment on function message_hash is 'what provider_id and receipt know a message by; the same as in intake_batch.c';

create function channel_json (p_account bigint, p_channel bigint) returns setof json language sql stable rows 1 as $$
    select json_build_object ('slug', c.slug, 'adapter', c.adapter)
    from gateway.channel c
    where c.account_id = p_account and c.channel_id = p_channel
$$;
comment on function channel_json is 'a channel as tickets and messages name it';

create function contact_json (p_account bigint, p_contact uuid) returns setof json language sql stable rows 1 as $$
    select json_build_object (
        'id', k.contact_id,
        'name', k.name,
        'addresses', coalesce ((
            select json_agg (a.uri order by a.created_at, a.uri)
            from gateway.address a
            where a.account_id = k.account_id and a.contact_id = k.contact_id), '[]'),
        'created_at', json_time (k.created_at),
        'updated_at', json_time (k.updated_at),
        'version', k.version)
    from gateway.contact k
    where k.account_id = p_account and k.contact_id = p_contact
$$;
comment on function contact_json is 'a contact with its addresses';

create function ticket_json (p_account bigint, p_ticket uuid) returns setof json language sql stable rows 1 as $$
    select json_build_object (
        'id', t.ticket_id,
        'number', t.number,
        'status', t.status,
        'subject', t.subject,
        'channel', (select c from channel_json (t.account_id, t.channel_id) c),
        'contact', (
            select json_build_object ('id', k.contact_id, 'name', k.name, 'address', t.uri)
            from gateway.contact k
            where k.account_id = t.account_id and k.contact_id = t.contact_id),
        'unread', t.unread,
        'last_message', (
            select json_build_object ('id', m.message_id, 'number', m.number, 'kind', m.kind, 'text', left (m.text, 200),
                                      'created_at', json_time (m.created_at))
            from gateway.message m
            where m.account_id = t.account_id and m.message_id = t.last_message_id),
        'window_until', (
            select json_time (p.window_until)
            from gateway.pair p
            where p.account_id = t.account_id and p.channel_id = t.channel_id and p.uri = t.uri),
        'created_at', json_time (t.created_at),
        'updated_at', json_time (t.updated_at),
        'version', t.version)
    from gateway.ticket t
    where t.account_id = p_account and t.ticket_id = p_ticket
$$;
comment on function ticket_json is 'a ticket with its channel, contact and last message';

create function attachments_json (p_account bigint, p_message uuid) returns setof json language sql stable rows 1 as $$
    select coalesce (json_agg (json_build_object ('id', a.attachment_id, 'mime', a.mime, 'name', a.name, 'size', a.size, 'status', a.status)
                               order by a.position), '[]')
    from gateway.attachment a
    where a.account_id = p_account and a.message_id = p_message
$$;
comment on function attachments_json is 'the files of a message';

create function message_json (p_account bigint, p_message uuid) returns setof json language sql stable rows 1 as $$
    select json_build_object (
        'id', m.message_id,
        'number', m.number,
        'ticket_id', m.ticket_id,
        'kind', m.kind,
        'channel', (select c from channel_json (m.account_id, m.channel_id) c),
        'from', m.from_uri,
        'to', m.to_uri,
        'author', json_build_object (
            'type', m.author_type,
            'id', m.author_id,
            'name', (select k.name from gateway.contact k where k.account_id = m.account_id and k.contact_id = m.author_id)),
        'content', m.content,
        'text', m.text,
        'attachments', case when m.has_attachments then (select f from attachments_json (m.account_id, m.message_id) f) else '[]' end,
        'status', m.status,
        'error', null,
        'parts', case when m.external_id is null then '[]'::json
                      else json_build_array (json_build_object ('position', 0, 'external_id', m.external_id, 'status', m.status)) end,
        'external_id', m.external_id,
        'reference', m.reference,
        'metadata', m.metadata,
        'in_reply_to', m.in_reply_to,
        'created_at', json_time (m.created_at),
        'provider_time', json_time (m.provider_time))
    from gateway.message m
    where m.account_id = p_account and m.message_id = p_message
$$;
comment on function message_json is 'a message with its author, files and parts';

create function receipts_json (p_account bigint, p_channel bigint, p_external_id text) returns setof json language sql stable rows 1 as $$
    with newest as materialized (
        select r.*
        from gateway.receipt r
        where r.account_id = p_account and r.channel_id = p_channel and r.hash = message_hash (p_external_id)
        order by r.journal_id desc, r.position desc
        limit 100
    )
    select coalesce (json_agg (json_build_object ('external_id', n.external_id, 'status', n.status, 'provider_code', n.code,
                                                  'detail', n.detail, 'at', json_time (n.at))
                               order by n.at, n.journal_id, n.position), '[]')
    from newest n
$$;
comment on function receipts_json is 'what the provider said later of a message: the newest hundred receipts, oldest first';

create function quarantine_json (p_account bigint, p_entry uuid) returns setof json language sql stable rows 1 as $$
    select json_build_object (
        'id', q.quarantine_id,
        'channel', (select c from channel_json (q.account_id, q.channel_id) c),
        'reason', q.reason,
        'received_at', json_time (q.at),
        'status', case when q.reprocessed_at is null then 'waiting' else 'reprocessed' end,
        'size', q.size)
    from gateway.quarantine q
    where q.account_id = p_account and q.quarantine_id = p_entry
$$;
comment on function quarantine_json is 'a quarantined request; never its content';
