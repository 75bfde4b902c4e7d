-- Files that a provider still holds: due ones are taken once, in turn between channels, and what becomes of them is told.
begin;
select plan (35);
\ir lib/world.sql

select '00000000-0000-7000-8000-00000000000a' as one, '00000000-0000-7000-8000-00000000000b' as two \gset

-- A message with n files, at https://x/NAME/0 ….
create function pg_temp.picture (p_account bigint, p_channel bigint, p_name text, p_n int, p_mime text default null) returns void language sql as $$
    select pg_temp.give (p_name, jsonb_build_array (jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', pg_temp.t0 (), 'messages',
        jsonb_build_array (jsonb_build_object ('id', p_name, 'from', 'tel:+1555222' || p_channel, 'name', 'Ana', 'text', 'look', 'at', pg_temp.t0 (), 'files',
            (select jsonb_agg (jsonb_build_object ('url', 'https://x/' || p_name || '/' || i, 'mime', p_mime)) from generate_series (0, p_n - 1) i))))))
$$;
-- What is claimed now, as URLs; channels are acme's two and globex' one, n of each at most.
create function pg_temp.take (p_claim uuid, p_n int[], p_most int) returns text[] language sql as $$
    select coalesce (array_agg (url order by url), '{}')
    from claim_files ((select array_agg (account_id order by channel_id) from gateway.channel), (select array_agg (channel_id order by channel_id) from gateway.channel),
                      p_n, p_most, p_claim, '10 seconds')
$$;
create function pg_temp.end (p_claim uuid, p_url text, p_outcome text, p_error text default null, p_mime text default null, p_run_at timestamptz default null)
returns int language sql as $$
    select settle_files (p_claim, '2026-03-02 10:00:30+00', array[f.account_id], array[f.attachment_id], array[p_outcome], array[p_error], array[p_mime],
                         array[case p_outcome when 'stored' then 3 end::bigint], array[case p_outcome when 'stored' then sha256 ('abc') end], array[p_run_at])
    from gateway.attachment f where f.url = p_url
$$;
create function pg_temp.told (p_after bigint) returns text[] language sql as $$
    select array_agg (e.type || ' ' || m.external_id order by e.number)
    from gateway.event e join gateway.message m on m.account_id = e.account_id and m.message_id = e.message_id and m.ticket_id = e.ticket_id
    where e.number > p_after
$$;

select pg_temp.picture (:acme, :sms, 'a', 3);
select is ((select array_agg (distinct (channel_id, status, run_at = now (), attempts)::text) from gateway.attachment), array[format ('(%s,waiting,t,0)', :sms)],
           'a file waits on its message''s channel, and is due at once');
select is (pg_temp.take (:'one', '{4, 4, 4}', 2), '{https://x/a/0,https://x/a/1}', 'no more are taken than there is room for');
select is (pg_temp.take (:'two', '{4, 4, 4}', 9), '{https://x/a/2}', 'what one has taken, another does not');
select is (pg_temp.take (:'two', '{4, 4, 4}', 9), '{}', 'nor it itself again');
select is ((select array_agg (attempts order by url) from gateway.attachment), '{1,1,1}', 'tries are counted as they begin');

select pg_temp.picture (:acme, :other, 'b', 2);
select pg_temp.picture (:globex, :gsms, 'c', 1);
select is ((select array_agg (url) from claim_files (array[:acme], array[:other], '{4}', 9, :'one', '10 seconds')), '{https://x/b/0,https://x/b/1}',
           'only files of the channels that are asked for are taken');
select is ((select array_agg (url) from claim_files (array[:acme], array[:gsms], '{4}', 9, :'one', '10 seconds')), null, 'another account''s channel is none');
select is (pg_temp.take (:'one', '{4, 4, 4}', 9), '{https://x/c/0}', 'what was not asked for is still there');

update gateway.attachment set expected_sha256 = sha256 ('abc'), run_at = now () where url = 'https://x/c/0';
select is ((select expected_sha256 from claim_files (array[:globex], array[:gsms], '{4}', 9, :'one', '10 seconds')), encode (sha256 ('abc'), 'hex'),
           'who fetches knows what the bytes should be, if the provider said it');

-- Turns.
select pg_temp.picture (:acme, :sms, 'd', 6);
update gateway.attachment set run_at = now () - interval '1 hour' where url like 'https://x/d/%';
select pg_temp.picture (:acme, :other, 'e', 2);
select is (pg_temp.take (:'one', '{1, 4, 4}', 1), '{https://x/e/0}', 'a channel with much under way lets others go first, however long its files wait');
select is (cardinality (pg_temp.take (:'one', '{4, 4, 4}', 2)), 2, 'then they take turns');
select is ((select count (*) from gateway.attachment where url like 'https://x/e/%' and claim_id is not null), 2::bigint, 'one of each');
select is (cardinality (pg_temp.take (:'one', '{0, 4, 4}', 9)), 0, 'a channel without room gets none');
select is (cardinality (pg_temp.take (:'one', '{3, 4, 4}', 9)), 3, 'nor more than it has room for');

-- Leases.
update gateway.attachment set run_at = now () + interval '1 hour' where url like 'https://x/d/%';
update gateway.attachment set run_at = now () where url = 'https://x/a/0';
select renew_files (:'two', array[:acme], array[(select attachment_id from gateway.attachment where url = 'https://x/a/0')], '10 seconds');
select ok ((select run_at = now () from gateway.attachment where url = 'https://x/a/0'), 'another''s claim is not prolonged');
select renew_files (:'one', array[:acme], array[(select attachment_id from gateway.attachment where url = 'https://x/a/0')], '10 seconds');
select ok ((select run_at = now () + interval '10 seconds' from gateway.attachment where url = 'https://x/a/0'), 'one''s own is');
update gateway.attachment set run_at = now () where url = 'https://x/a/0';
select is (pg_temp.take (:'two', '{1, 0, 0}', 9), '{https://x/a/0}', 'what ran out is taken by whoever asks');
select is (pg_temp.end (:'one', 'https://x/a/0', 'stored'), 0, 'and the one before has no say any more');
select is ((select status from gateway.attachment where url = 'https://x/a/0'), 'waiting', 'in what becomes of it');

-- What becomes of them.
select coalesce (max (last_event), 0) as before from gateway.counter where account_id = :acme \gset
select is (pg_temp.end (:'two', 'https://x/a/0', 'stored', null, 'image/png'), 1, 'a file that has come is noted');
select is ((select (status, mime, size, sha256 = sha256 ('abc'), error, claim_id, run_at)::text from gateway.attachment where url = 'https://x/a/0'), '(stored,image/png,3,t,,,)',
           'with its size and hash, and the type that came with it');
select is (pg_temp.told (:before), '{"message.updated a"}', 'and its message is told of');
select is (pg_temp.end (:'two', 'https://x/a/0', 'failed', 'gone'), 0, 'that is final');
select pg_temp.picture (:globex, :gsms, 'f', 1, 'image/jpeg');
select pg_temp.take (:'one', '{0, 0, 4}', 9);
select pg_temp.end (:'one', 'https://x/f/0', 'stored', null, 'text/html');
select is ((select mime from gateway.attachment where url = 'https://x/f/0'), 'image/jpeg', 'a type that the provider had told stands');

select coalesce (max (last_event), 0) as before from gateway.counter where account_id = :acme \gset
select is (pg_temp.end (:'one', 'https://x/a/1', 'retry', 'unavailable', null, '2026-03-02 10:01:30+00'), 1, 'one that could not be had now');
select is ((select (status, error, run_at - now (), claim_id)::text from gateway.attachment where url = 'https://x/a/1'), '(waiting,unavailable,00:01:00,)', 'waits, and says why');
select is ((select last_event from gateway.counter where account_id = :acme), :before::bigint, 'without an event');
select is (pg_temp.end (:'two', 'https://x/a/2', 'release'), 1, 'one that was not tried to its end');
select is ((select (status, attempts, run_at - now (), claim_id)::text from gateway.attachment where url = 'https://x/a/2'), '(waiting,0,00:00:00,)', 'is as it was');
select pg_temp.take (:'two', '{1, 0, 0}', 9);
select is (pg_temp.end (:'two', 'https://x/a/2', 'failed', 'gone'), 1, 'one that will not come');
select is ((select (status, error, size, claim_id, run_at)::text from gateway.attachment where url = 'https://x/a/2'), '(failed,gone,,,)', 'has failed, and says why');
select is (pg_temp.told (:before), '{"message.updated a"}', 'which is told of, too');
select is ((select array_agg ((j ->> 'status') || coalesce (' ' || (j ->> 'error'), '')) from gateway.message m
            cross join lateral attachments_json (m.account_id, m.message_id) f cross join lateral json_array_elements (f) j
            where m.external_id = 'a'), '{stored,"waiting unavailable","failed gone"}', 'a message shows how its files fare');

select coalesce (max (last_event), 0) as before from gateway.counter where account_id = :acme \gset
select is ((select settle_files (:'one', :'t0', array_agg (account_id), array_agg (attachment_id), array_agg ('failed'::text), array_agg ('gone'::text), array_agg (null::text),
                                 array_agg (null::bigint), array_agg (null::bytea), array_agg (null::timestamptz))
            from gateway.attachment where url like 'https://x/b/%'), 2, 'several files of one message');
select is (pg_temp.told (:before), '{"message.updated b"}', 'are one event');

select * from finish ();
rollback;
