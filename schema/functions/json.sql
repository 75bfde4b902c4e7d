-- How rows look outside; docs/openapi.json describes the same. All are stable and take no locks.
--
-- Each is a set of one row, or of none, because the planner opens only such functions inside a query that calls them in its FROM; a plain
-- one would be planned anew in every call. So: `cross join lateral ticket_json (t.account_id, t.ticket_id) j`. Where it ends with `offset 0`
-- the row is found before its JSON is built: else, while the planner takes the tables for empty, all rows of the account may be built for each.

create function json_time (p_at timestamptz) returns text language sql stable as $$
    select to_char (p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
comment on function json_time is 'RFC 3339, UTC, microseconds';

create function message_hash (p_external_id text) returns bytea language sql stable as $$
    select substr (sha256 (convert_to ('m ' || p_external_id, 'UTF8')), 1, 16)
$$;
comment on function message_hash is 'what provider_id and receipt know a message by; the same as message_hash_id in model/message.c';

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
        'blocked_at', json_time (k.blocked_at),
        'opt_outs', coalesce ((
            select json_agg (j order by o.opt_out_id)
            from gateway.address a
            join gateway.opt_out o on o.account_id = a.account_id and o.uri = a.uri and o.ended_at is null
            cross join lateral opt_out_json (o.account_id, o.opt_out_id) j
            where a.account_id = k.account_id and a.contact_id = k.contact_id), '[]'),
        'created_at', json_time (k.created_at),
        'updated_at', json_time (k.updated_at),
        'version', k.version)
    from gateway.contact k
    where k.account_id = p_account and k.contact_id = p_contact
    offset 0
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
    offset 0
$$;
comment on function ticket_json is 'a ticket with its channel, contact and last message';

create function attachments_json (p_account bigint, p_message uuid) returns setof json language sql stable rows 1 as $$
    select coalesce (json_agg (json_build_object ('id', a.attachment_id, 'mime', a.mime, 'name', a.name, 'size', a.size, 'status', a.status,
                                                  'error', a.error) order by a.position), '[]')
    from gateway.attachment a
    where a.account_id = p_account and a.message_id = p_message
$$;
comment on function attachments_json is 'the files of a message';

create function parts_json (p_account bigint, p_message uuid) returns setof json language sql stable rows 1 as $$
    select coalesce (json_agg (json_build_object ('part', k.part, 'status', k.status, 'external_id', k.external_id, 'provider_code', k.code,
                                                  'detail', k.detail, 'updated_at', json_time (k.updated_at)) order by k.part), '[]')
    from gateway.part k
    where k.account_id = p_account and k.message_id = p_message
$$;
comment on function parts_json is 'what the provider counts of a message';

-- What happened on a message's way out, for whoever looks at one: every try, and the newest hundred of what the provider said later.
create function way_json (p_account bigint, p_message uuid) returns setof jsonb language sql stable rows 1 as $$
    select jsonb_build_object (
        'attempts', coalesce ((
            select jsonb_agg (jsonb_build_object ('attempt', a.attempt, 'part', a.part, 'at', json_time (a.at), 'outcome', a.outcome,
                                                  'http_status', a.http_status, 'provider_code', a.code, 'detail', a.detail,
                                                  'milliseconds', a.milliseconds) order by a.at, a.attempt, a.part)
            from gateway.attempt a
            where a.account_id = p_account and a.message_id = p_message), '[]'),
        'receipts', coalesce ((
            select jsonb_agg (jsonb_build_object ('status', r.status, 'external_id', r.external_id, 'provider_code', r.code, 'detail', r.detail,
                                                  'data', r.data, 'at', json_time (r.at)) order by r.at, r.journal_id, r.position)
            from (select * from gateway.receipt k
                  where k.account_id = p_account and k.message_id = p_message
                  order by k.at desc, k.journal_id desc, k.position desc
                  limit 100) r), '[]'))
$$;
comment on function way_json is 'attempts and receipts of a message';

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
            'name', case m.author_type
                when 'contact' then (select k.name from gateway.contact k where k.account_id = m.account_id and k.contact_id = m.author_id)
                when 'key' then (select k.name from gateway.key k where k.account_id = m.account_id and k.key_id = m.author_id)
            end),
        'content', m.content,
        'rendering', case when m.kind = 'outgoing' then coalesce (m.rendering, '{"native": true, "steps": []}') end,
        'text', m.text,
        'attachments', case when m.has_attachments then (select f from attachments_json (m.account_id, m.message_id) f) else '[]' end,
        'status', m.status,
        'error', m.error,
        'parts', case
            when m.n_parts is not null then (select p from parts_json (m.account_id, m.message_id) p)
            when m.external_id is not null then json_build_array (json_build_object (
                'part', 0, 'status', m.status, 'external_id', m.external_id, 'provider_code', null, 'detail', null, 'updated_at', json_time (m.created_at)))
            else '[]' end,
        'segments', m.segments,
        'lane', m.lane,
        'expires_at', json_time (m.expires_at),
        'retry_of', m.retry_of,
        'external_id', m.external_id,
        'reference', m.reference,
        'metadata', m.metadata,
        'in_reply_to', m.in_reply_to,
        'created_at', json_time (m.created_at),
        'provider_time', json_time (m.provider_time))
    from gateway.message m
    where m.account_id = p_account and m.message_id = p_message
    offset 0
$$;
comment on function message_json is 'a message with its author, files and parts';

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
    offset 0
$$;
comment on function quarantine_json is 'a quarantined request; never its content';

create function notice_json (p_account bigint, p_notice uuid) returns setof json language sql stable rows 1 as $$
    select json_build_object ('topic', n.topic, 'title', n.title, 'data', n.data, 'at', json_time (n.at))
    from gateway.notice n
    where n.account_id = p_account and n.notice_id = p_notice
    offset 0
$$;
comment on function notice_json is 'what a provider said of a channel';
