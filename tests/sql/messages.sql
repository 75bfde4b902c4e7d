-- A ticket's messages, one message, its files, the quarantine: pages, shapes, and nobody else's rows.
begin;
select plan (55);
\ir lib/world.sql
\ir lib/pages.sql

select pg_temp.give ('many', (
    select jsonb_agg (pg_temp.say (:acme, :sms, 'M' || n, 'tel:+15552220001', 'number ' || n, :'t0')) from generate_series (1, 23) n)) \gset
select pg_temp.give ('files', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', :'t0', 'messages', jsonb_build_array (
    jsonb_build_object ('id', 'F1', 'from', 'tel:+15552220002', 'name', 'Ana', 'text', 'look', 'at', '2026-03-02T09:59:58Z', 'files',
        '[{"url": "https://secret.example/1", "mime": "image/png", "name": "a.png"}, {"url": "https://secret.example/2"}]'::jsonb))))) \gset
select ticket_id as ticket from gateway.message where account_id = :acme and external_id = 'M1' \gset

create function pg_temp.pages (p_account bigint, p_ticket uuid, p_descending bool, p_limit int) returns bigint[] language sql as $$
    select array (select (j ->> 'number')::bigint from pg_temp.pages ('api_messages', format ('%s, %L, %L', p_account, p_ticket, p_descending), p_limit) j)
$$;

select throws_ok (format ($$select api_messages (%s, %L, false, 10, '1;')$$, :acme, :'ticket'), 'SB422', null, 'a cursor that we did not make is refused');
select is (pg_temp.pages (:acme, :'ticket', false, 10), (select array_agg (g) from generate_series (1::bigint, 23) g), 'pages are by number, oldest first');
select is (pg_temp.pages (:acme, :'ticket', true, 10), (select array_agg (g order by g desc) from generate_series (1::bigint, 23) g), 'or newest first');
select is (pg_temp.pages (:acme, :'ticket', false, 23), pg_temp.pages (:acme, :'ticket', false, 1), 'whatever their size');
select is ((select next from api_messages (:acme, :'ticket', false, 23, null)), null, 'a page that just fits is the last');
select is ((select (next, at)::text from api_messages (:acme, :'ticket', false, 22, null)), '(22,' || (select last_event from gateway.counter where account_id = :acme) || ')',
           'a page names the next, and the event at which it is true');
select is ((select (data, next)::text from api_messages (:acme, :'ticket', false, 10, '23')), '([],)', 'after the last there is nothing');
select throws_ok (format ('select * from api_messages (%s, %L, false, 10, null)', :globex, :'ticket'), 'SB404', 'no such ticket', 'another account''s ticket is not there');

select message_id as message from gateway.message where account_id = :acme and external_id = 'F1' \gset
select body::jsonb as body from api_message (:acme, :'message') \gset
select is ((select array_agg (k order by k) from jsonb_object_keys (:'body') k),
           '{attachments,attempts,author,channel,content,created_at,error,expires_at,external_id,from,id,in_reply_to,kind,lane,metadata,number,parts,provider_time,receipts,reference,rendering,retry_of,segments,status,text,ticket_id,to}',
           'a message has the promised fields');
select is (:'body'::jsonb -> 'author' ->> 'name', 'Ana', 'its author has a name');
select is (:'body'::jsonb ->> 'status', 'received', 'it was received');
select is (:'body'::jsonb -> 'content', '{"kind": "text", "text": "look"}', 'its content is what the adapter made');
select is ((:'body'::jsonb -> 'parts' -> 0) - 'updated_at', '{"part": 0, "external_id": "F1", "status": "received", "provider_code": null, "detail": null}', 'it came in one part');
select is (:'body'::jsonb -> 'attempts', '[]', 'nobody had to attempt to send it');
select is (:'body'::jsonb -> 'receipts', '[]', 'and no provider said more of it');
select is (:'body'::jsonb ->> 'provider_time', '2026-03-02T09:59:58.000000Z', 'the provider''s time beside ours');
select is ((select array_agg ((f ->> 'mime') || ' ' || (f ->> 'name') || ' ' || (f ->> 'status')) from jsonb_array_elements (:'body'::jsonb -> 'attachments') f),
           array['image/png a.png waiting', null], 'its files, in their order');
select unalike (:'body'::text, '%secret.example%', 'but not where the provider keeps them');
select is ((select count (*) from api_messages (:acme, :'ticket', false, 50, null) p, json_array_elements (p.data::json) j
            where j::jsonb = (select m.body::jsonb - 'attempts' - 'receipts' from api_message (:acme, (j ->> 'id')::uuid) m)), 23::bigint,
           'a message looks the same in the list and, but for attempts and receipts, alone');
select throws_ok (format ('select * from api_message (%s, %L)', :globex, :'message'), 'SB404', 'no such message', 'another account''s message is not there');

select attachment_id as attachment from gateway.attachment where account_id = :acme and message_id = :'message' and position = 0 \gset
select results_eq (format ('select * from api_attachment (%s, %L)', :acme, :'attachment'),
                   $$values ('waiting', 'image/png', 'a.png', null::text, null::bigint)$$, 'a file that is not fetched yet');
update gateway.attachment set status = 'stored', sha256 = sha256 ('x'), size = 1 where attachment_id = :'attachment';
select is ((select (status, sha256, size)::text from api_attachment (:acme, :'attachment')), '(stored,' || encode (sha256 ('x'), 'hex') || ',1)', 'and one that is');
select throws_ok (format ('select * from api_attachment (%s, %L)', :globex, :'attachment'), 'SB404', 'no such attachment', 'another account''s file is not there');

-- Receipts: late, twice and in any order.
create function pg_temp.tell (p_account bigint, p_channel bigint, p_id text, p_status text, p_at timestamptz, p_code text default null, p_detail text default null)
returns jsonb language sql as $$
    select jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', p_at, 'receipts', jsonb_build_array (
        jsonb_build_object ('id', p_id, 'status', p_status, 'code', p_code, 'detail', p_detail, 'at', p_at)))
$$;
-- As if it were a message of ours: what the provider says later is matched to those (receipts.sql).
create function pg_temp.match (p_message uuid, p_account bigint, p_channel bigint) returns void language sql as $$
    update gateway.receipt set message_id = p_message where account_id = p_account and channel_id = p_channel and external_id = 'F1'
$$;
create function pg_temp.receipts (p_account bigint, p_message uuid) returns jsonb language sql as $$
    select body::jsonb -> 'receipts' from api_message (p_account, p_message)
$$;
select pg_temp.give ('receipts', jsonb_build_array (
    pg_temp.tell (:acme, :sms, 'F1', 'failed', :'t0'::timestamptz + interval '3 s', '30003', 'unreachable'),
    pg_temp.tell (:acme, :sms, 'F1', 'sent', :'t0'::timestamptz + interval '1 s'),
    pg_temp.tell (:acme, :sms, 'F1', 'delivered', :'t0'::timestamptz + interval '2 s'),
    pg_temp.tell (:acme, :sms, 'F2', 'read', :'t0'),
    pg_temp.tell (:acme, :other, 'F1', 'read', :'t0'),
    pg_temp.tell (:globex, :gsms, 'F1', 'read', :'t0'))) \gset
select pg_temp.match (:'message', :acme, :sms) \gset
select is ((select array_agg (r ->> 'status') from jsonb_array_elements (pg_temp.receipts (:acme, :'message')) r), '{sent,delivered,failed}',
           'a message''s receipts are told oldest first, without those of another message, channel or account');
select is (pg_temp.receipts (:acme, :'message') -> 2,
           '{"external_id": "F1", "status": "failed", "provider_code": "30003", "detail": "unreachable", "data": null, "at": "2026-03-02T10:00:03.000000Z"}',
           'with the provider''s own code and words');
select is ((select array_agg (detail) from trace (:'message') where what = 'receipt'), '{sent,delivered,"failed, code 30003"}', 'its trace tells them, too');
select pg_temp.give ('flood', (select jsonb_agg (pg_temp.tell (:acme, :sms, 'F1', 'sent', :'t0'::timestamptz + (10 + n) * interval '1 s')) from generate_series (1, 97) n)) \gset
select pg_temp.match (:'message', :acme, :sms) \gset
select is (jsonb_array_length (pg_temp.receipts (:acme, :'message')), 100, 'a hundred receipts are all told');
select pg_temp.give ('one more', jsonb_build_array (pg_temp.tell (:acme, :sms, 'F1', 'delivered', :'t0'::timestamptz + interval '1 hour'))) \gset
select pg_temp.match (:'message', :acme, :sms) \gset
select is (jsonb_array_length (pg_temp.receipts (:acme, :'message')), 100, 'of more the newest hundred');
select is (pg_temp.receipts (:acme, :'message') -> 99 ->> 'status', 'delivered', 'so the last word is there');

-- A page costs what it holds, however long the ticket is: on a table that nobody has analysed yet, and on one that has grown. What the planner
-- knows is set here and held by the lock: autovacuum in between sees none of these rows and would tell it of many empty pages.
lock table gateway.message in share update exclusive mode;
insert into gateway.message (account_id, message_id, ticket_id, number, channel_id, kind, status, author_id, content, created_at)
select :acme, gen_random_uuid (), :'ticket', n, :sms, 'incoming', 'received', t.contact_id, '{}', :'t0'
from generate_series (24, 10000) n, gateway.ticket t
where t.account_id = :acme and t.ticket_id = :'ticket';
create function pg_temp.rows_read () returns bigint language sql as $$
    select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'gateway.message'::regclass
$$;
create function pg_temp.cost_of_ten (p_account bigint, p_ticket uuid, p_descending bool, p_after bigint) returns bigint language plpgsql as $$
declare
    v_before bigint := pg_temp.rows_read ();
begin
    for i in 1 .. 10 loop               -- often enough for a plan that is kept
        perform from api_messages (p_account, p_ticket, p_descending, 10, p_after::text);
    end loop;
    return pg_temp.rows_read () - v_before;
end $$;
create function pg_temp.page_costs (p_account bigint, p_ticket uuid, p_table text) returns setof text language sql as $$
    select ok (pg_temp.cost_of_ten (p_account, p_ticket, d, a) between 100 and 500,
               'ten pages of ten read few rows of a ' || p_table || ' table, ' || case when d then 'newest' else 'oldest' end || ' first')
    from (values (false, 5000), (true, 5000), (true, null)) x (d, a)
$$;
update pg_class set relpages = 0, reltuples = -1 where oid = 'gateway.message'::regclass;
select pg_temp.page_costs (:acme, :'ticket', 'young');
analyze gateway.message;
select pg_temp.page_costs (:acme, :'ticket', 'grown');

-- The quarantine.
select pg_temp.give ('riddles', (
    select jsonb_agg (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', :'t0', 'raw', 'riddle ' || n, 'quarantine', 'reason ' || n))
    from generate_series (1, 5) n)) \gset
create function pg_temp.entries (p_account bigint, p_status text, p_limit int) returns text[] language sql as $$
    select array (select right (j ->> 'reason', 1) from pg_temp.pages ('api_quarantine', format ('%s, %L', p_account, p_status), p_limit) j)
$$;
select is (pg_temp.entries (:acme, null, 2), '{5,4,3,2,1}', 'the newest riddle is first');
select is (pg_temp.entries (:acme, null, 5), '{5,4,3,2,1}', 'on one page or three');
select is (pg_temp.entries (:acme, 'waiting', 2), '{5,4,3,2,1}', 'they all wait');
select is (pg_temp.entries (:acme, 'reprocessed', 2), '{}', 'none is done');
select is (pg_temp.entries (:globex, null, 2), '{}', 'nobody else sees them');
select quarantine_id as entry from gateway.quarantine where account_id = :acme and reason = 'reason 3' \gset
select results_eq (format ('select channel, raw, file, at, reprocessed_at from api_quarantine_entry (%s, %L)', :acme, :'entry'),
                   format ($$values ('sms', 'riddle 3'::bytea, null::text, %L::timestamptz, null::timestamptz)$$, :'t0'), 'a riddle is kept verbatim');
select throws_ok (format ('select * from api_quarantine_entry (%s, %L)', :globex, :'entry'), 'SB404', null, 'another account''s is not there');
select throws_ok (format ('select * from api_quarantine_done (%s, %L, now ())', :globex, :'entry'), 'SB404', null, 'nor can it be marked');
select is ((select body::jsonb - 'id' from api_quarantine_done (:acme, :'entry', :'t0'::timestamptz + interval '1 hour')),
           jsonb_build_object ('channel', '{"slug": "sms", "adapter": "twilio"}'::jsonb, 'reason', 'reason 3', 'size', 8, 'status', 'reprocessed',
                               'received_at', '2026-03-02T10:00:00.000000Z'), 'solved, it says so');
select is ((select reprocessed_at from api_quarantine_entry (:acme, :'entry')), :'t0'::timestamptz + interval '1 hour', 'and when');
select count (*) from api_quarantine_done (:acme, :'entry', :'t0'::timestamptz + interval '2 hours') \gset
select is ((select reprocessed_at from api_quarantine_entry (:acme, :'entry')), :'t0'::timestamptz + interval '1 hour', 'the first time counts');
select is ((select outcome from gateway.journal where account_id = :acme and journal_id = :'entry'), 'reprocessed', 'the journal knows it');
select is (pg_temp.entries (:acme, 'waiting', 2), '{5,4,2,1}', 'four still wait');
select is (pg_temp.entries (:acme, 'reprocessed', 2), '{3}', 'one is done');
select throws_ok (format ('select * from api_quarantine (%s, %L, 2, null)', :acme, 'odd'), 'SB422', null, 'an unknown status is refused');
select throws_ok (format ('select * from api_quarantine (%s, null, 2, %L)', :acme, 'odd'), 'SB422', null, 'so is a cursor of somebody else''s making');
select is ((select array_agg (reason) from quarantine_waiting ('acme', 1000)), '{reason 1,reason 2,reason 4,reason 5}', 'the operator sees what waits, too');

-- Trace.
select is ((select array_agg (what) from trace (:'message') where what <> 'receipt'), '{received,journaled,stored,attachment,attachment,event}', 'a message''s life is told in order');
select unalike ((select string_agg (detail, ' ') from trace (:'message')), '%look%', 'without the customer''s words');
select is ((select count (*) from trace (gen_random_uuid ())), 0::bigint, 'an unknown message has none');
select * from finish ();
rollback;
