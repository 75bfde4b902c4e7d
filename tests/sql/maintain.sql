-- Weeks of journal and log are made ahead and dropped after their retention; ids and receipts go after theirs.
begin;
select plan (27);
\ir lib/give.sql
create function pg_temp.weeks (p_table text) returns text[] language sql as $$
    select array_agg (right (c.relname, 8) order by c.relname)
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('gateway.' || p_table)::regclass and c.relname !~ 'default'
$$;
-- What the program made when it migrated is none of this.
do $$
declare v_name text;
begin
    for v_name in select inhrelid::regclass::text from pg_inherits where inhparent in ('gateway.journal'::regclass, 'gateway.attempt'::regclass, 'gateway.event'::regclass)
                  and inhrelid::regclass::text !~ 'default' loop
        execute 'drop table ' || v_name;
    end loop;
end $$;
select pg_temp.make_account ('acme') as acme \gset
select pg_temp.make_channel (:acme, 'sms') as sms \gset

-- A session somewhere with a summer time that begins in one of the weeks: weeks are UTC's.
set local timezone = 'Europe/Berlin';
select lives_ok ($$select make_partitions ('2026-03-25 12:00:00+00')$$, 'the first time');
select is (pg_temp.weeks ('journal'), '{20260323,20260330}', 'this and next week''s journal are made');
select is (pg_temp.weeks ('event'), '{20260323,20260330}', 'and log');
select is_empty (
    $$select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent in ('gateway.journal'::regclass, 'gateway.attempt'::regclass, 'gateway.event'::regclass)
        and c.reloptions is distinct from '{autovacuum_analyze_scale_factor=1,autovacuum_vacuum_insert_scale_factor=1}'$$, 'none is looked through anew before it has doubled');
select lives_ok ($$select make_partitions ('2026-03-25 12:01:00+00')$$, 'a minute later');
select is (pg_temp.weeks ('journal'), '{20260323,20260330}', 'there is nothing to make');
select pg_temp.give ('week', jsonb_build_array (
    pg_temp.say (:acme, :sms, 'A', 'tel:+15552220001', 'last second of Sunday', '2026-03-29 23:59:59.999999+00'),
    pg_temp.say (:acme, :sms, 'B', 'tel:+15552220001', 'first of Monday', '2026-03-30 00:00:00+00'))) \gset
select results_eq (
    $$select c.relname::text collate "default", count (*) from gateway.journal j join pg_class c on c.oid = j.tableoid group by 1 order by 1$$,
    $$values ('journal_20260323', 1::bigint), ('journal_20260330', 1)$$, 'a week ends with Sunday, UTC');
select lives_ok ($$select make_partitions ('2026-04-01 12:00:00+00')$$, 'a week later');
select is (pg_temp.weeks ('journal'), '{20260323,20260330,20260406}', 'the next is made');

-- Rows of a week for which nothing was made lie in the default partition.
select pg_temp.give ('gap', jsonb_build_array (pg_temp.say (:acme, :sms, 'C', 'tel:+15552220001', 'ahead', '2026-04-14 10:00:00+00'))) \gset
select lives_ok ($$select make_partitions ('2026-04-14 12:00:00+00')$$, 'a week that the default partition holds does no harm');
select is (pg_temp.weeks ('journal'), '{20260323,20260330,20260406,20260420}', 'it stays there, and the one after is made');
select is ((select c.relname::text from gateway.event e join pg_class c on c.oid = e.tableoid where account_id = :acme order by number desc limit 1), 'event_default', 'its events, too');

-- What waits in the quarantine outlives the journal.
select pg_temp.give ('puzzle', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', '2026-03-24 00:00:00+00', 'quarantine', 'a riddle'))) \gset
select quarantine_id as puzzle from gateway.quarantine where account_id = :acme and reason = 'a riddle' \gset

-- Retention.
select make_partitions ('2026-04-20 00:00:00+00') \gset
select lives_ok ($$select maintain ('2026-04-20 00:00:00+00', '14 days', '60 days', '7 days', '7 days', '1 day', '1 day')$$, 'later still');
select is (pg_temp.weeks ('journal'), '{20260406,20260420,20260427}', 'weeks that ended before the retention are dropped');
select is (pg_temp.weeks ('event'), '{20260323,20260330,20260406,20260420,20260427}', 'each table by its own');
select lives_ok ($$select maintain ('2026-05-01 00:00:00+00', '14 days', '60 days', '7 days', '7 days', '1 day', '1 day')$$, 'and later');
select is_empty ($$select * from gateway.journal where at < '2026-04-17'$$, 'old rows leave the default partition as well');
select is ((select convert_from (raw, 'UTF8') from api_quarantine_entry (:acme, :'puzzle')), 'raw', 'what waits in the quarantine is kept with what it was');

-- Ids and receipts.
select pg_temp.give ('ids', jsonb_build_array (
    pg_temp.say (:acme, :sms, 'old', 'tel:+15552220001', 'x', '2026-05-01 00:00:00+00'),
    pg_temp.say (:acme, :sms, 'young', 'tel:+15552220001', 'y', '2026-05-08 00:00:00+00'),
    jsonb_build_object ('account', :acme, 'channel', :sms, 'receipts',
        '[{"id": "old", "status": "sent", "at": "2026-05-01T00:00:00Z"}, {"id": "young", "status": "sent", "at": "2026-05-08T00:00:00Z"}]'::jsonb))) \gset
select maintain ('2026-05-08 00:00:01+00', '14 days', '60 days', '8 days', '7 days', '1 day', '1 day') \gset
select is ((select count (*) from gateway.provider_id where account_id = :acme), 2::bigint, 'ids of providers that are younger than their retention stay');
select is ((select array_agg (external_id) from gateway.receipt where account_id = :acme), '{young}', 'receipts of nothing are kept for theirs');
select maintain ('2026-05-08 00:00:01+00', '14 days', '60 days', '7 days', '7 days', '1 day', '1 day') \gset
select is ((select array_agg (m.external_id) from gateway.provider_id p join gateway.message m using (account_id, message_id) where p.account_id = :acme), '{young}',
           'ids of providers are kept as long as they may redeliver');

-- The way out.
select make_partitions ('2026-05-08 00:00:01+00') \gset
select is (pg_temp.weeks ('attempt') @> '{20260504,20260511}', true, 'attempts have their weeks, too');
select message_id as message from gateway.message where account_id = :acme limit 1 \gset
insert into gateway.receipt (account_id, channel_id, hash, journal_id, position, external_id, status, at, message_id)
    values (:acme, :sms, pg_temp.make_hash ('ours'), :'message', 0, 'ours', 'sent', '2026-05-01 00:00:00+00', :'message');
insert into gateway.idempotency (account_id, hash, fingerprint, status, body, created_at)
    select :acme, sha256 (t::text::bytea), sha256 ('x'), 202, '{}', t from unnest ('{2026-05-07 00:00:00+00,2026-05-08 00:00:00+00}'::timestamptz[]) t;
insert into gateway.attachment (account_id, attachment_id, message_id, position, status, name, created_at)
    select :acme, gen_random_uuid (), m, 0, 'stored', n, t
    from (values (null::uuid, 'forgotten', '2026-05-07 00:00:00+00'::timestamptz), (null, 'fresh', '2026-05-08 00:00:00+00'), (:'message', 'used', '2026-05-01 00:00:00+00')) x (m, n, t);
select maintain ('2026-05-08 00:00:01+00', '14 days', '60 days', '7 days', '7 days', '2 days', '1 day') \gset
select is ((select count (*) from gateway.idempotency), 2::bigint, 'answers to POSTs are kept as long as is wanted');
select maintain ('2026-05-08 00:00:01+00', '14 days', '60 days', '7 days', '7 days', '1 day', '1 day') \gset
select is ((select array_agg (external_id order by external_id) from gateway.receipt where account_id = :acme), '{ours,young}', 'a receipt that has its message is kept with it');
select is ((select array_agg (created_at) from gateway.idempotency), '{2026-05-08 00:00:00+00}', 'answers to POSTs are kept for a day');
select is ((select array_agg (name order by name) from gateway.attachment where account_id = :acme), '{fresh,used}', 'a file that no message took goes after a day');
select maintain ('2026-07-08 00:00:00+00', '14 days', '60 days', '90 days', '7 days', '1 day', '1 day') \gset
select is ((select count (*) from gateway.receipt where account_id = :acme), 0::bigint, 'receipts go with their events');
select * from finish ();
rollback;
