create schema if not exists bench;

-- UUIDv7, as the gateway makes them: rising, so that B-trees grow at their right end.
create or replace function bench.id () returns uuid language sql volatile as $$
    select encode (substring (int8send ((extract (epoch from clock_timestamp ()) * 1000)::bigint) from 3) || '\x7000'::bytea
                   || substring (uuid_send (gen_random_uuid ()) from 9), 'hex')::uuid
$$;

-- n new messages in one call of intake(), as the gateway's writer gives them: the rows are the real ones, only their making differs.
-- They go to the first account of the file, or, where accounts is more than one, to one of as many others in turn: one transaction a message
-- is at its best when neighbours do not wait for one account's counter.
create sequence if not exists bench.message;
create or replace function bench.store (n int, senders int, accounts int) returns int language plpgsql as $$
declare
    v_first bigint := setval ('bench.message', nextval ('bench.message') + n - 1) - n + 1;
    v_account bigint; v_channel bigint;
    v_none int[] := '{}'; v_text text[] := '{}'; v_bytes bytea[] := '{}'; v_ids uuid[] := '{}'; v_times timestamptz[] := '{}';
    v_raw bytea := convert_to (repeat ('POST /hooks/acme/support-sms HTTP/1.1 and the rest of a request ', 14), 'UTF8');
    v_stored int;
begin
    select c.account_id, c.channel_id into v_account, v_channel
    from gateway.account a join gateway.channel c using (account_id)
    where a.slug = case when accounts = 1 then 'acme' else 'bench-' || v_first / n % accounts end
    order by 2 limit 1;
    select r.stored into v_stored from intake (
        array_fill (v_account, array[n]), array_fill (v_channel, array[n]), (select array_agg (bench.id ()) from generate_series (1, n)),
        array_fill (clock_timestamp (), array[n]), array_fill (v_raw, array[n]), array_fill (null::text, array[n]), array_fill (900::bigint, array[n]),
        array_fill (null::text, array[n]),
        (select array_agg (i) from generate_series (1, n) i),
        (select array_agg (decode (md5 ((v_first + i)::text), 'hex')) from generate_series (1, n) i),
        (select array_agg ('SM' || md5 ((v_first + i)::text)) from generate_series (1, n) i),
        (select array_agg (bench.id ()) from generate_series (1, n)), (select array_agg (bench.id ()) from generate_series (1, n)),
        (select array_agg (bench.id ()) from generate_series (1, n)),
        (select array_agg ('tel:+1555' || lpad (((v_first + i) * 7919 % senders)::text, 7, '0')) from generate_series (1, n) i),
        array_fill ('tel:+15550001111'::text, array[n]), array_fill (null::text, array[n]),
        array_fill ('Hello, is my order 4711 on its way? I need it on Friday.'::text, array[n]),
        array_fill ('{"kind":"text","text":"Hello, is my order 4711 on its way? I need it on Friday."}'::jsonb, array[n]),
        array_fill (null::timestamptz, array[n]), array_fill (null::text, array[n]),
        '{}', '{}', '{}', '{}', '{}', '{}', '{}',
        v_none, v_none, v_ids, v_text, v_text, v_text, v_text,
        v_none, v_none, v_bytes, v_text, v_text, v_text, v_text, v_times, v_ids, v_none, '{}'::boolean[], '{}', '{}', '{}', '{}',
        '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}') r;
    return v_stored;
end $$;

-- Queues the next n messages on a channel of acme's, as POST /v1/messages does, for one of as many people in turn. A text begins with the
-- message's number on its line, 1, 2, 3 … since bench.outgoing was set to 1.
create sequence if not exists bench.outgoing;
create or replace function bench.send (n int, channel text, first_person int, people int, lane text) returns bigint language sql as $$
    select count (*) from (
        select c.account_id, c.channel_id, nextval ('bench.outgoing') - 1 as o
        from gateway.account a join gateway.channel c using (account_id), generate_series (1, n)
        where a.slug = 'acme' and c.slug = channel
    ) x cross join lateral (
        select format ('%s Your order 4711 is on its way. It comes on Friday.', o / people + 1) as said,
               'tel:+1666' || lpad ((first_person + o % people)::text, 7, '0') as uri
    ) y cross join lateral api_send (
        p_account => account_id, p_hash => null, p_fingerprint => null, p_channel => channel_id, p_uri => uri, p_ticket => null,
        p_new_ticket => bench.id (), p_new_contact => bench.id (), p_message => bench.id (), p_kind => 'outgoing', p_from => 'tel:+15550001111',
        p_author_type => 'key', p_author => null, p_text => said, p_content => jsonb_build_object ('kind', 'text', 'text', said), p_reference => null,
        p_metadata => null, p_expires_at => null, p_lane => lane, p_seen => null, p_in_reply_to => null, p_retry_of => null, p_attachments => null,
        p_n_parts => 1, p_weight => 1, p_segments => '{"segments":1,"encoding":"GSM-7","units":52}', p_now => clock_timestamp (),
        p_give_up_at => clock_timestamp () + interval '4 hours') s
    where s.status = 202
$$;

with made as (insert into gateway.account (slug, name) select 'bench-' || i, 'Bench' from generate_series (0, 19) i returning account_id)
insert into gateway.channel (account_id, slug, adapter) select account_id, 'sms', 'twilio' from made;
