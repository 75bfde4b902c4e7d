-- Helpers of the tests of the way out: messages and claims go by names. Time is t0 and what a test adds to it.
\ir world.sql

create temp table named (name text primary key, id uuid not null unique, n serial);
create temp table taken (claim text, name text, account_id bigint, channel_id bigint, uri text, position bigint, message_id uuid, lane int, attempt int,
                         part int, lost boolean, refusal text, notes text, reply_to text, attachments jsonb);

-- The id that goes by a name; new names have later ids.
create function pg_temp.id_of (p_name text) returns uuid language plpgsql strict as $$
declare
    v_id uuid;
begin
    select id into v_id from named where name = p_name;
    if v_id is null then
        insert into named (name, id) select p_name, pg_temp.make_id (p_name, pg_temp.t0 () + count (*) * interval '1 second', count (*)::int) from named
        returning id into v_id;
    end if;
    return v_id;
end $$;

-- api_send. more: ticket, kind, content, lane, seen, in_reply_to, retry_of, attachments, parts, weight, at, expires, give_up, key, body, reference, author_type,
-- author, rendering, answers, dry_run.
create function pg_temp.send (p_account bigint, p_channel bigint, p_uri text, p_name text, p_more jsonb default '{}', out status int, out body jsonb)
language sql as $$
    select s.status, s.body::jsonb
    from api_send (
        p_account, sha256 (convert_to (p_more ->> 'key', 'UTF8')), sha256 (convert_to (coalesce (p_more ->> 'body', p_name), 'UTF8')),
        p_channel, p_uri, (p_more ->> 'ticket')::uuid, pg_temp.id_of ('ticket of ' || p_name), pg_temp.id_of ('contact of ' || p_name),
        pg_temp.id_of (p_name), coalesce (p_more ->> 'kind', 'outgoing'), 'tel:+15550001111', coalesce (p_more ->> 'author_type', 'key'),
        (p_more ->> 'author')::uuid, p_name, coalesce (p_more -> 'content', jsonb_build_object ('kind', 'text', 'text', p_name)), p_more ->> 'reference', p_more -> 'metadata',
        (p_more ->> 'expires')::timestamptz, p_more ->> 'lane', (p_more ->> 'seen')::bigint, (p_more ->> 'in_reply_to')::uuid,
        (p_more ->> 'retry_of')::uuid, coalesce ((select array_agg (x::uuid order by o) from jsonb_array_elements_text (p_more -> 'attachments') with ordinality y (x, o)), '{}'),
        case when p_more ->> 'kind' is distinct from 'note' then coalesce ((p_more ->> 'parts')::int, 1) end,
        coalesce ((p_more ->> 'weight')::int, 1), '{"segments": 1, "encoding": "GSM-7", "units": 5}',
        coalesce ((p_more ->> 'at')::timestamptz, pg_temp.t0 ()), coalesce ((p_more ->> 'give_up')::timestamptz, pg_temp.t0 () + interval '4 hours'),
        p_more -> 'rendering', p_more -> 'answers', coalesce ((p_more ->> 'dry_run')::boolean, false)) s
$$;

-- Claims up to p_n of each lane of a channel, under a name; the names of the messages, in order.
create function pg_temp.take (p_claim text, p_account bigint, p_channel bigint, p_n int default 100, p_lanes int[] default '{0,1}') returns text[]
language plpgsql as $$
begin
    insert into taken
    select p_claim, n.name, c.account_id, c.channel_id, c.uri, c.position, c.message_id, c.lane, c.attempt, c.part, c.lost, c.refusal, c.notes, c.reply_to, c.attachments::jsonb
    from claim (array_fill (p_account, array[cardinality (p_lanes)]), array_fill (p_channel, array[cardinality (p_lanes)]), p_lanes,
                array_fill (p_n, array[cardinality (p_lanes)]), md5 (p_claim)::uuid, '1 minute') c
    join named n on n.id = c.message_id;
    return array (select t.name from taken t where t.claim = p_claim order by t.lane, t.uri, t.position);
end $$;

-- settle of what a claim had taken: [{name, outcome, part, sid, code, title, words, provider_code, retry, notes, at}].
create function pg_temp.settle (p_claim text, p_items jsonb) returns int language sql as $$
    select settle (md5 (p_claim)::uuid, coalesce (max ((j ->> 'at')::timestamptz), pg_temp.t0 () + interval '1 minute'),
                   array_agg (t.account_id order by o), array_agg (t.channel_id order by o), array_agg (t.uri order by o),
                   array_agg (t.position order by o), array_agg (t.message_id order by o), array_agg (t.attempt order by o),
                   array_agg (coalesce ((j ->> 'part')::int, t.part) order by o), array_agg (j ->> 'outcome' order by o), array_agg (j ->> 'sid' order by o),
                   array_agg (pg_temp.make_hash (j ->> 'sid') order by o), array_agg (j ->> 'code' order by o), array_agg (j ->> 'title' order by o),
                   array_agg (j ->> 'words' order by o), array_agg (j ->> 'provider_code' order by o), array_agg (200 order by o), array_agg (12 order by o),
                   array_agg (coalesce ((j ->> 'at')::timestamptz, pg_temp.t0 () + interval '1 minute') + (j ->> 'retry')::interval order by o), array_agg (j ->> 'notes' order by o),
                   array_agg (pg_temp.id_of ('attempt of ' || (j ->> 'name') || o) order by o))
    from jsonb_array_elements (p_items) with ordinality x (j, o)
    join taken t on t.claim = p_claim and t.name = j ->> 'name'
$$;

-- One message with one outcome.
create function pg_temp.settle (p_claim text, p_name text, p_outcome text, p_more jsonb default '{}') returns int language sql as $$
    select pg_temp.settle (p_claim, jsonb_build_array (p_more || jsonb_build_object ('name', p_name, 'outcome', p_outcome)))
$$;

-- A request with receipts, stored and matched.
create function pg_temp.receive (p_account bigint, p_channel bigint, p_seed text, p_receipts jsonb) returns int language plpgsql as $$
begin
    perform pg_temp.give (p_seed, jsonb_build_array (jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', pg_temp.t0 (), 'receipts', p_receipts)));
    return match_receipts (100, pg_temp.t0 () + interval '2 minutes');
end $$;

create function pg_temp.status_of (p_name text) returns text language sql as $$
    select m.status from gateway.message m join named n on n.id = m.message_id where n.name = p_name
$$;

-- What an account's log tells after a number, with the names of the messages.
create function pg_temp.told (p_account bigint, p_after bigint) returns text[] language sql as $$
    select coalesce (array_agg (concat_ws (' ', e.type, n.name) order by e.number), '{}')
    from gateway.event e left join named n on n.id = e.message_id
    where e.account_id = p_account and e.number > p_after
$$;

-- Claims that ended without a word.
create function pg_temp.lease_ends (p_name text) returns void language sql as $$
    update gateway.delivery d set run_at = now () - interval '1 second' from named n where n.id = d.message_id and n.name = p_name
$$;
