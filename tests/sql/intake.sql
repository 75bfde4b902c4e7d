-- What is accepted is stored once, in order, and every account can count what happened to it.
begin;
select plan (65);
\ir lib/world.sql

-- A first message.
select results_eq (
    format ($$select * from pg_temp.give ('first', jsonb_build_array (pg_temp.say (%s, %s, 'SM1', 'tel:+15552220001', 'hello', %L)))$$, :acme, :sms, :'t0'),
    $$values (1, 0, 0, 0)$$, 'a new message is stored');
select results_eq (
    format ($$select number, type from gateway.event where account_id = %s order by number$$, :acme),
    $$values (1::bigint, 'contact.created'), (2, 'ticket.created'), (3, 'message.received')$$,
    'a new sender makes three events: who, which ticket, what');
select is ((select count (*) from gateway.contact where account_id = :acme), 1::bigint, 'a new sender is one contact');
select is ((select count (*) from gateway.ticket where account_id = :acme), 1::bigint, 'and has one ticket');
select is ((select (number, status, unread, last_number, version)::text from gateway.ticket where account_id = :acme), '(1,open,1,1,1)',
           'the first ticket is number 1, open, with one unread message');
select is ((select m.message_id from gateway.message m join gateway.ticket t using (account_id, ticket_id) where t.last_message_id = m.message_id
            and m.account_id = :acme),
           (select message_id from gateway.message where account_id = :acme), 'the ticket names its last message');
select is ((select (m.kind, m.status, m.from_uri, m.to_uri, m.text, m.external_id, m.author_type, m.number)::text from gateway.message m where account_id = :acme),
           '(incoming,received,tel:+15552220001,tel:+15550001111,hello,SM1,contact,1)', 'the message says what was said, by whom and to whom');
select is ((select author_id from gateway.message where account_id = :acme), (select contact_id from gateway.contact where account_id = :acme),
           'its author is the contact');
select is ((select (contact_id is not null and ticket_id is not null)::text from gateway.pair where account_id = :acme), 'true',
           'the line knows its contact and its ticket');
select is ((select convert_from (j.raw, 'UTF8') || ', ' || j.outcome from gateway.journal j join gateway.message m
            on m.account_id = j.account_id and m.journal_id = j.journal_id and m.created_at = j.at where j.account_id = :acme),
           'raw, accepted', 'the request is in the journal, verbatim, where its message points');

-- Once.
select results_eq (
    format ($$select * from pg_temp.give ('again', jsonb_build_array (pg_temp.say (%s, %s, 'SM1', 'tel:+15552220001', 'hello', %L)))$$, :acme, :sms, :'t0'),
    $$values (0, 1, 0, 0)$$, 'a message delivered twice is known');
select is ((select count (*) from gateway.message where account_id = :acme), 1::bigint, 'a message delivered twice is one message');
select is ((select last_event from gateway.counter where account_id = :acme), 3::bigint, 'and tells nothing to the log');
select is ((select (unread, last_number, version)::text from gateway.ticket where account_id = :acme), '(1,1,1)', 'nor does it change the ticket');
select is ((select count (*) from gateway.journal where account_id = :acme), 2::bigint, 'but the second request is journaled, too');
select results_eq (
    format ($$select * from pg_temp.give ('elsewhere', jsonb_build_array (pg_temp.say (%s, %s, 'SM1', 'tel:+15552220001', 'hello', %L)))$$, :acme, :other, :'t0'),
    $$values (1, 0, 0, 0)$$, 'the same id on another channel is another message');
select is ((select count (*) from gateway.contact where account_id = :acme), 1::bigint, 'of the same person');
select is ((select count (distinct ticket_id) from gateway.ticket where account_id = :acme), 2::bigint, 'with a ticket of its own');
select is ((select array_agg (number order by number) from gateway.ticket where account_id = :acme), '{1,2}', 'tickets are numbered by account');
select is ((select array_agg (type order by number) from gateway.event where account_id = :acme and number > 3), '{ticket.created,message.received}',
           'a known contact is not created again');

-- A batch with repeats, two accounts, several messages of one new sender.
select jsonb_build_array (
    pg_temp.say (:acme, :sms, 'B1', 'tel:+15552220002', 'one', :'t0'),
    pg_temp.say (:globex, :gsms, 'B1', 'tel:+15552220002', 'theirs', :'t0'),
    pg_temp.say (:acme, :sms, 'B2', 'tel:+15552220001', 'old line', :'t0'),
    pg_temp.say (:acme, :sms, 'B1', 'tel:+15552220002', 'one', :'t0'),
    pg_temp.say (:acme, :sms, 'SM1', 'tel:+15552220001', 'hello', :'t0'),
    pg_temp.say (:acme, :sms, 'B3', 'tel:+15552220002', 'two', :'t0'),
    pg_temp.say (:acme, :other, 'B4', 'tel:+15552220002', 'on the other channel', :'t0')) as batch \gset
select results_eq (format ($$select * from pg_temp.give ('batch', %L)$$, :'batch'), $$values (5, 2, 0, 0)$$,
                   'a batch tells apart what is new, what repeats inside it and what was there');
select is ((select count (*) from gateway.contact where account_id = :acme), 2::bigint, 'two messages of a new sender on two channels make one contact');
select results_eq (
    format ($$select m.number, m.text from gateway.message m where account_id = %s and channel_id = %s and from_uri = 'tel:+15552220002' order by number$$, :acme, :sms),
    $$values (1::bigint, 'one'), (2, 'two')$$, 'they are numbered in the order in which they came');
select is ((select count (*) from gateway.ticket where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220002'), 1::bigint, 'in one ticket');
select is ((select (unread, last_number, version)::text from gateway.ticket where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220002'),
           '(2,2,1)', 'that counts both');
select is ((select (unread, last_number, version)::text from gateway.ticket where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220001'),
           '(2,2,2)', 'and the known ticket counts its own');
select is ((select array_agg (journal_id order by journal_id) from gateway.message where account_id = :acme and external_id = 'B1'),
           array[pg_temp.make_id ('batch', :'t0', 1)], 'of twins in a batch the first is kept');
select results_eq (
    format ($$select number, type from gateway.event where account_id = %s order by number$$, :globex),
    $$values (1::bigint, 'contact.created'), (2, 'ticket.created'), (3, 'message.received')$$, 'another account has its own log, from 1');
select is ((select array_agg (type order by number) from gateway.event where account_id = :acme and number > 5),
           '{contact.created,ticket.created,message.received,message.received,message.received,ticket.created,message.received}',
           'the log tells a batch in the order of its requests');
select pg_temp.is_whole_log (:acme);
select is ((select (last_event, last_ticket)::text from gateway.counter where account_id = :acme), '(12,4)', 'and the counters agree with them');
select is ((select count (*) from gateway.message m where account_id = :acme and not exists (
               select from gateway.event e where e.account_id = m.account_id and e.message_id = m.message_id and e.ticket_id = m.ticket_id
               and e.type = 'message.received')),
           0::bigint, 'every message has its event, with its ticket');

-- The same batch once more: a commit whose answer was lost.
select md5 (string_agg (r, ',' order by r)) as before from (
    select m::text r from gateway.message m union all select t::text from gateway.ticket t union all select e::text from gateway.event e
    union all select c::text from gateway.counter c union all select p::text from gateway.pair p union all select a::text from gateway.address a
    union all select k::text from gateway.contact k union all select j::text from gateway.journal j) x \gset
select results_eq (format ($$select * from pg_temp.give ('batch', %L)$$, :'batch'), $$values (0, 7, 0, 0)$$, 'a batch that is run again is known');
select is ((select md5 (string_agg (r, ',' order by r)) from (
    select m::text r from gateway.message m union all select t::text from gateway.ticket t union all select e::text from gateway.event e
    union all select c::text from gateway.counter c union all select p::text from gateway.pair p union all select a::text from gateway.address a
    union all select k::text from gateway.contact k union all select j::text from gateway.journal j) x), :'before', 'and changes nothing at all');
select results_eq (
    format ($$select * from pg_temp.give ('batch', %L::jsonb || jsonb_build_array (pg_temp.say (%s, %s, 'B5', 'tel:+15552220002', 'three', %L)))$$,
            :'batch', :acme, :sms, :'t0'),
    $$values (1, 7, 0, 0)$$, 'run again with one more, only that one is stored');
select is ((select number from gateway.message where account_id = :acme and external_id = 'B5'), 3::bigint, 'under the next number of its ticket');
select results_eq ($$select * from pg_temp.give ('nothing', '[]')$$, $$values (0, 0, 0, 0)$$, 'an empty batch is nothing');

-- Reopening.
update gateway.ticket set status = 'closed', closed_at = :'t0' where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220001';
select pg_temp.give ('late', jsonb_build_array (
    pg_temp.say (:acme, :sms, 'L1', 'tel:+15552220001', 'I am back', :'t0'::timestamptz + interval '6 days 23 hours'),
    pg_temp.say (:acme, :sms, 'L2', 'tel:+15552220001', 'still there', :'t0'::timestamptz + interval '6 days 23 hours'))) \gset
select is ((select (status, closed_at is null, unread, last_number)::text from gateway.ticket
            where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220001'),
           '(open,t,4,4)', 'a ticket closed 6 days and 23 hours ago reopens');
select is ((select array_agg (type order by number) from gateway.event where account_id = :acme
            and number > (select last_event - 3 from gateway.counter where account_id = :acme)),
           '{ticket.reopened,message.received,message.received}', 'the log says so, once');

update gateway.ticket set status = 'closed', closed_at = :'t0' where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220001';
select pg_temp.give ('later', jsonb_build_array (
    pg_temp.say (:acme, :sms, 'N1', 'tel:+15552220001', 'much later', :'t0'::timestamptz + interval '7 days'))) \gset
select is ((select array_agg (status || ' ' || last_number order by number) from gateway.ticket
            where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220001'),
           '{closed 4,open 1}', 'one closed 7 days ago stays closed and a new one opens');
select is ((select t.number from gateway.pair p join gateway.ticket t using (account_id, ticket_id)
            where p.account_id = :acme and p.channel_id = :sms and p.uri = 'tel:+15552220001'),
           5::bigint, 'which is the line''s from now on');
select is ((select count (*) from gateway.contact where account_id = :acme), 2::bigint, 'of the same contact');
select is ((select array_agg (type order by number) from gateway.event where account_id = :acme
            and number > (select last_event - 2 from gateway.counter where account_id = :acme)),
           '{ticket.created,message.received}', 'and the log tells of a new ticket');

-- A batch that straddles the seventh day belongs together.
update gateway.ticket set status = 'closed', closed_at = :'t0' where account_id = :acme and channel_id = :sms and uri = 'tel:+15552220002';
select pg_temp.give ('edge', jsonb_build_array (
    pg_temp.say (:acme, :sms, 'E1', 'tel:+15552220002', 'just in time', :'t0'::timestamptz + interval '7 days' - interval '1 ms'),
    pg_temp.say (:acme, :sms, 'E2', 'tel:+15552220002', 'and after', :'t0'::timestamptz + interval '7 days'))) \gset
select is ((select count (distinct ticket_id) from gateway.message where account_id = :acme and external_id in ('B1', 'E1', 'E2')), 1::bigint,
           'a batch that straddles the seventh day stays in the ticket that its first message reopens');

-- A pending or snoozed ticket keeps its status.
update gateway.ticket set status = 'snoozed' where account_id = :globex;
select pg_temp.give ('snooze', jsonb_build_array (pg_temp.say (:globex, :gsms, 'Z1', 'tel:+15552220002', 'psst', :'t0'))) \gset
select is ((select (status, unread)::text from gateway.ticket where account_id = :globex), '(snoozed,2)', 'a snoozed ticket takes a message and stays snoozed');

-- Files.
select pg_temp.give ('files', jsonb_build_array (
    pg_temp.say (:globex, :gsms, 'F0', 'tel:+15552220009', 'no file', :'t0'),
    jsonb_build_object ('account', :globex, 'channel', :gsms, 'at', :'t0', 'messages', jsonb_build_array (jsonb_build_object (
        'id', 'Z1', 'from', 'tel:+15552220002', 'text', 'psst', 'files', '[{"url": "https://x/known"}]'::jsonb))),
    jsonb_build_object ('account', :globex, 'channel', :gsms, 'at', :'t0', 'messages', jsonb_build_array (
        jsonb_build_object ('id', 'F1', 'from', 'tel:+15552220009', 'text', 'two files', 'files',
            '[{"url": "https://x/1", "mime": "image/png", "name": "a.png"}, {"url": "https://x/2", "mime": "image/gif"}]'::jsonb),
        jsonb_build_object ('id', 'F2', 'from', 'tel:+15552220009', 'text', 'one', 'files', '[{"url": "https://x/3"}]'::jsonb))))) as counted \gset
select is (:'counted'::text, '(3,1,0,0)', 'a request may hold several messages');
select results_eq (
    format ($$select m.external_id, a.position, a.url, a.mime, a.name, a.status from gateway.attachment a join gateway.message m using (account_id, message_id)
              where account_id = %s order by 1, 2$$, :globex),
    $$values ('F1', 0, 'https://x/1', 'image/png', 'a.png', 'waiting'), ('F1', 1, 'https://x/2', 'image/gif', null, 'waiting'),
             ('F2', 0, 'https://x/3', null, null, 'waiting')$$,
    'files belong to their message, also beside a repeat, whose files are not taken again');
select results_eq (
    format ($$select external_id, has_attachments from gateway.message where account_id = %s and external_id like 'F_' order by 1$$, :globex),
    $$values ('F0', false), ('F1', true), ('F2', true)$$, 'a message knows whether it has files');
select results_eq (
    format ($$select external_id, number from gateway.message where account_id = %s and external_id like 'F_' order by number$$, :globex),
    $$values ('F0', 1::bigint), ('F1', 2), ('F2', 3)$$, 'the messages of one request keep their order');

-- Quarantine.
select last_event as before from gateway.counter where account_id = :globex \gset
select jsonb_build_array (
    jsonb_build_object ('account', :globex, 'channel', :gsms, 'at', :'t0', 'raw', 'what is this', 'quarantine', 'From is missing'),
    pg_temp.say (:globex, :gsms, 'Q1', 'tel:+15552220009', 'fine', :'t0')) as batch \gset
select results_eq (format ($$select * from pg_temp.give ('quarantine', %L)$$, :'batch'), $$values (1, 0, 1, 0)$$,
                   'what cannot be understood is quarantined; its neighbour is stored');
select results_eq (
    format ($$select q.reason, q.size, q.reprocessed_at, j.outcome, j.raw
              from gateway.quarantine q join gateway.journal j on j.account_id = q.account_id and j.journal_id = q.quarantine_id and j.at = q.at
              where q.account_id = %s$$, :globex),
    $$values ('From is missing', 12::bigint, null::timestamptz, 'quarantined', 'what is this'::bytea)$$, 'with its reason, and verbatim in the journal');
select is ((select array_agg (type order by number) from gateway.event where account_id = :globex and number > :before),
           '{message.received,input.quarantined}', 'the log tells of it');
select is ((select subject_id from gateway.event where account_id = :globex and type = 'input.quarantined'),
           (select quarantine_id from gateway.quarantine where account_id = :globex), 'and names the entry');
select results_eq (format ($$select * from pg_temp.give ('quarantine', %L)$$, :'batch'), $$values (0, 1, 0, 0)$$, 'run again, nothing is quarantined twice');
select is ((select last_event from gateway.counter where account_id = :globex), :before + 2::bigint, 'nor told twice');
select results_eq (
    format ($$select * from pg_temp.give ('only', jsonb_build_array (jsonb_build_object ('account', %s, 'channel', %s, 'quarantine', 'no')))$$, :acme, :sms),
    $$values (0, 0, 1, 0)$$, 'a batch of nothing but riddles is stored, too');

-- Receipts.
select jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', :'t0', 'receipts', jsonb_build_array (
    jsonb_build_object ('id', 'OUT1', 'status', 'delivered'),
    jsonb_build_object ('id', 'OUT2', 'status', 'failed', 'code', '30003', 'detail', 'unreachable', 'at', '2026-03-01T09:00:00Z')))) as batch \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select results_eq (format ($$select * from pg_temp.give ('receipts', %L)$$, :'batch'), $$values (0, 0, 0, 2)$$, 'receipts are kept');
select results_eq (format ($$select * from pg_temp.give ('receipts', %L)$$, :'batch'), $$values (0, 0, 0, 0)$$, 'run again, nothing is kept twice');
select results_eq (
    format ($$select external_id, status, code, detail, at from gateway.receipt where account_id = %s order by 1$$, :acme),
    format ($$values ('OUT1', 'delivered', null, null, %L::timestamptz), ('OUT2', 'failed', '30003', 'unreachable', '2026-03-01 09:00:00+00')$$, :'t0'),
    'with what the provider said, at its time or else at ours');
select is ((select last_event from gateway.counter where account_id = :acme), :before::bigint, 'a receipt of no message of ours tells nothing');

-- The whole.
select is ((select count (*) from gateway.counter c where last_event <> (
               select count (*) from gateway.event e where e.account_id = c.account_id) or last_event <> (
               select coalesce (max (number), 0) from gateway.event e where e.account_id = c.account_id)), 0::bigint, 'all accounts'' logs are without gaps');
select is ((select count (*) from gateway.ticket t where last_number <> (
               select count (*) from gateway.message m where m.account_id = t.account_id and m.ticket_id = t.ticket_id)), 0::bigint,
           'all tickets'' messages are numbered without gaps');
select is ((select count (*) from gateway.pair where contact_id is null or ticket_id is null), 0::bigint, 'no pair is left without contact or ticket');
select is ((select count (*) from gateway.contact k where not exists (
               select from gateway.address a where a.account_id = k.account_id and a.contact_id = k.contact_id)), 0::bigint, 'no contact is left without address');
select throws_ok (
    format ($$select * from pg_temp.give ('stranger', jsonb_build_array (pg_temp.say (%s, %s, 'X1', 'tel:+15552220001')))$$, :acme, :gsms),
    '23503', null, 'a channel of another account is refused');

select * from finish ();
rollback;
