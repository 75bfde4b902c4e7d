-- What agents and businesses send: kept with its delivery at once, refused with a reason, and what can be done to it while it waits.
begin;
select plan (108);
\ir lib/out.sql

insert into gateway.key (account_id, key_id, name, hash, last_four) values (:acme, pg_temp.id_of ('key'), 'crm', sha256 ('k'), 'abcd');
create function pg_temp.file (p_name text) returns uuid language sql as $$
    select (body::json ->> 'id')::uuid from api_attachment_create ((select account_id from gateway.account where slug = 'acme'), pg_temp.id_of (p_name),
                                                                   'image/png', p_name, 3, sha256 ('abc'), pg_temp.t0 ())
$$;

-- A reply.
select pg_temp.give ('in', jsonb_build_array (pg_temp.say (:acme, :sms, 'IN1', :ana, 'hello', :'t0'))) \gset
select ticket_id as ticket from gateway.ticket where account_id = :acme \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select status as code, body from pg_temp.send (:acme, :sms, :ana, 'r1', jsonb_build_object ('ticket', :'ticket', 'author', pg_temp.id_of ('key'), 'seen', 1,
    'reference', 'order 7', 'metadata', '{"x": 1}'::jsonb, 'in_reply_to', (select message_id from gateway.message where external_id = 'IN1'))) \gset
select is (:code, 202, 'a reply is accepted');
select is ((select (j ->> 'kind', j ->> 'status', j ->> 'number', j ->> 'to', j ->> 'from', j ->> 'text', j ->> 'reference', j ->> 'metadata')::text from (select :'body'::jsonb j) x),
           '(outgoing,queued,2,tel:+15552220001,tel:+15550001111,r1,"order 7","{""x"": 1}")', 'it is queued');
select is (:'body'::jsonb -> 'author', jsonb_build_object ('type', 'key', 'id', pg_temp.id_of ('key'), 'name', 'crm'), 'its author is the key, by name');
select is ((select (j -> 'segments', j -> 'lane', j -> 'parts', j -> 'error', j -> 'expires_at', j -> 'retry_of')::text from (select :'body'::jsonb j) x),
           '("{""units"": 5, ""encoding"": ""GSM-7"", ""segments"": 1}",null,[],null,null,null)', 'it says how it is counted');
select is ((select (unread, last_number, status, last_message_id = pg_temp.id_of ('r1'), version)::text from gateway.ticket where ticket_id = :'ticket'), '(0,2,open,t,2)', 'nothing is unread after a reply');
select is (pg_temp.told (:acme, :before), '{"message.queued r1"}', 'the log tells of it');
select is ((select (state, lane, position, weight)::text from gateway.delivery), '(0,0,1,1)', 'and its delivery is ready');

-- Refused.
select pg_temp.give ('in2', jsonb_build_array (pg_temp.say (:acme, :sms, 'IN2', :ana, 'and', :'t0'), pg_temp.say (:acme, :sms, 'IN3', :ana, 'one more', :'t0'))) \gset
select status as code, body from pg_temp.send (:acme, :sms, :ana, 'blind', jsonb_build_object ('ticket', :'ticket', 'seen', 2)) \gset
select is (:code, 409, 'who has not read the newest messages is told');
select is ((select array_agg (m ->> 'text') from jsonb_array_elements (:'body'::jsonb -> 'newer') m), '{and,"one more"}', 'and given them');
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'seeing', jsonb_build_object ('ticket', :'ticket', 'seen', 4))), 202, 'who has read them may send');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', %L)$$, :globex, :gsms, :ana, jsonb_build_object ('ticket', :'ticket')), 'SB404', 'no such ticket', 'another account''s ticket is not there');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', %L)$$, :acme, :sms, :bob, jsonb_build_object ('ticket', :'ticket')), 'SB404', 'no such ticket', 'nor is one of another pair');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', %L)$$, :acme, :other, :ana, jsonb_build_object ('in_reply_to', pg_temp.id_of ('r1'))), 'SB422', 'not a message of this ticket',
                  'a reply answers a message of its own ticket');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', %L)$$, :acme, :sms, :ana, jsonb_build_object ('retry_of', pg_temp.id_of ('r1'))), 'SB422', 'not a failed message to this address on this channel',
                  'only what failed is sent again');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"attachments": ["00000000-0000-7000-8000-000000000000"]}')$$, :acme, :sms, :ana), 'SB422', null, 'an unknown file is refused');
select pg_temp.file ('one.png') as one \gset
select pg_temp.file ('two.png') as two \gset
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"attachments": ["%s", "%s"]}')$$, :acme, :sms, :ana, :'one', :'one'), 'SB422', null, 'so is one that is given twice');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"attachments": ["%s"]}')$$, :globex, :gsms, :ana, :'one'), 'SB422', null, 'and another account''s');
select body from pg_temp.send (:acme, :sms, :ana, 'files', jsonb_build_object ('attachments', array[:'two', :'one'])) \gset
select is ((select array_agg (f ->> 'name') from jsonb_array_elements (:'body'::jsonb -> 'attachments') f), '{two.png,one.png}', 'files go in the order given');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"attachments": ["%s"]}')$$, :acme, :sms, :ana, :'one'), 'SB422', 'not a file that was uploaded and is in no message yet', 'a file is in one message only');

update gateway.channel set disabled_at = now () where channel_id = :other;
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :other, :ana), 'SB409', 'the channel is disabled', 'nothing goes out on a disabled channel');
update gateway.channel set disabled_at = null where channel_id = :other;
update gateway.contact set blocked_at = now () where account_id = :acme;
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', 'the contact is blocked', 'nor to a blocked contact');
update gateway.contact set blocked_at = null where account_id = :acme;
select slug from gateway.channel where account_id = :acme and channel_id = :sms \gset
select 'the reply window is closed: send a template, see /v1/channels/' || :'slug' || '/templates' as closed \gset
update gateway.pair set window_until = pg_temp.t0 () - interval '1 day' where account_id = :acme;
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'open', '{"dry_run": true}')), 200, 'where the channel has no window there is none');
update gateway.channel set reply_window = '1 day' where account_id = :acme and channel_id = :sms;
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', :'closed', 'nor where the window has closed');
update gateway.pair set window_until = pg_temp.t0 () where account_id = :acme;
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', :'closed', 'which it has at its last instant');
update gateway.pair set window_until = null where account_id = :acme;
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', :'closed', 'or where the customer has never written');
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'template', '{"content": {"kind": "template", "name": "hi"}, "dry_run": true}')), 200, 'a template may go all the same');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"content": {"kind": "text", "text": "x", "original": {"kind": "template"}}}')$$, :acme, :sms, :ana), 'SB409', :'closed', 'but not one that became a text');
update gateway.pair set window_until = pg_temp.t0 () + interval '1 microsecond' where account_id = :acme;
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'in time', '{"dry_run": true}')), 200, 'until then it is open');
update gateway.channel set reply_window = null where account_id = :acme and channel_id = :sms;
update gateway.pair set window_until = null where account_id = :acme;
insert into gateway.opt_out (account_id, opt_out_id, channel_id, uri, source, at) values (:acme, gen_random_uuid (), :other, :ana, 'agent', now ());
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'ok')), 202, 'who has opted out elsewhere may be written to here');
update gateway.opt_out set channel_id = null where account_id = :acme;
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', 'the contact has opted out', 'but not who has opted out everywhere');
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'note 1', jsonb_build_object ('ticket', :'ticket', 'kind', 'note'))), 201, 'a note may be written all the same');
update gateway.opt_out set ended_at = now () where account_id = :acme;
select is ((select count (*) from gateway.message where text = 'x'), 0::bigint, 'nothing of what was refused is left');

-- Notes.
select last_event as before from gateway.counter where account_id = :acme \gset
select last_message_id as last from gateway.ticket where ticket_id = :'ticket' \gset
select status as code, body from pg_temp.send (:acme, :sms, :ana, 'note 2', jsonb_build_object ('ticket', :'ticket', 'kind', 'note')) \gset
select is ((select (j ->> 'kind', j ->> 'status', j -> 'to')::text from (select :'body'::jsonb j) x), '(note,received,null)', 'a note goes to nobody');
select is (pg_temp.told (:acme, :before), '{"message.updated note 2"}', 'the log knows it');
select is ((select last_message_id from gateway.ticket where ticket_id = :'ticket'), :'last'::uuid, 'it is not the ticket''s last message');
select is ((select count (*) from gateway.delivery where message_id = pg_temp.id_of ('note 2')), 0::bigint, 'and is not delivered');

-- What a message would be, without one.
select count (*) as messages from gateway.message \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select is ((select (status, body)::text from pg_temp.send (:acme, :sms, 'tel:+15552229999', 'dry', '{"dry_run": true}')), '(200,)', 'a dry run is answered');
select is ((select count (*) from gateway.pair where uri = 'tel:+15552229999'), 0::bigint, 'and leaves nothing of the pair');
select is ((select (status, body)::text from pg_temp.send (:acme, :sms, :ana, 'dry', jsonb_build_object ('ticket', :'ticket', 'seen', 5, 'key', 'dry', 'dry_run', true))), '(200,)', 'of a reply, too');
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'dry', jsonb_build_object ('ticket', :'ticket', 'seen', 1, 'dry_run', true))), 409, 'what the real one would be told, it is told');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"attachments": ["%s"], "dry_run": true}')$$, :acme, :sms, :ana, :'one'), 'SB422', null, 'and refused');
select is ((select count (*) from gateway.message), :messages::bigint, 'there is no message more');
select is (pg_temp.told (:acme, :before), '{}', 'nothing is told');
select is ((select count (*) from gateway.idempotency where account_id = :acme and hash = sha256 ('dry')), 0::bigint, 'and the key is still free');

-- Questions.
select from pg_temp.send (:acme, :sms, :ana, 'ask 1', '{"content": {"kind": "text", "text": "When?", "original": {"kind": "choice"}}, "answers": [{"id": "am", "title": "Morning"}], "rendering": {"native": false, "steps": ["choice→numbered"]}}');
select is ((select (choice, choice_message = pg_temp.id_of ('ask 1'), choice_until)::text from gateway.pair where account_id = :acme and channel_id = :sms and uri = :ana),
           '("[{""id"": ""am"", ""title"": ""Morning""}]",t,"2026-03-03 10:00:00+00")', 'what a line was asked in words is known for a day');
select is ((select body::jsonb -> 'rendering' from api_message (:acme, pg_temp.id_of ('ask 1'))), '{"native": false, "steps": ["choice→numbered"]}', 'a message says how it was put');
select from pg_temp.send (:acme, :sms, :ana, 'between');
select is ((select choice_message from gateway.pair where account_id = :acme and channel_id = :sms and uri = :ana), pg_temp.id_of ('ask 1'), 'a text between changes nothing of that');
select is ((select body::jsonb -> 'rendering' from api_message (:acme, pg_temp.id_of ('between'))), '{"native": true, "steps": []}', 'which went as it was given');
select from pg_temp.send (:acme, :sms, :ana, 'ask 2', '{"content": {"kind": "text", "text": "Red", "original": {"kind": "cards"}}, "answers": [{"id": "1", "title": "Buy"}]}');
select is ((select (choice, choice_message = pg_temp.id_of ('ask 2'))::text from gateway.pair where account_id = :acme and channel_id = :sms and uri = :ana),
           '("[{""id"": ""1"", ""title"": ""Buy""}]",t)', 'the next question takes its place');
select from pg_temp.send (:acme, :sms, :ana, 'ask 3', '{"content": {"kind": "choice", "text": "And?"}}');
select is ((select (choice, choice_message, choice_until)::text from gateway.pair where account_id = :acme and channel_id = :sms and uri = :ana), '(,,)', 'one with buttons leaves nothing to answer in words');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"content": {"kind": "reaction"}, "in_reply_to": "%s"}')$$, :acme, :sms, :ana, pg_temp.id_of ('nobody')), 'SB422', 'not a message of this ticket', 'a reaction is to a message of the ticket');

select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"content": {"kind": "reaction"}, "in_reply_to": "%s"}')$$, :acme, :sms, :ana, pg_temp.id_of ('note 1')), 'SB422', 'not a message of this ticket', 'and to none that the customer cannot see');
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'like', jsonb_build_object ('content', '{"kind": "reaction"}'::jsonb, 'in_reply_to', pg_temp.id_of ('ask 1')))), 202, 'but to what was sent');

-- Templates.
select is ((select (known, status, components)::text from find_template (:acme, :sms, 'hi', 'en')), '(f,,)', 'where no templates are listed, none is known');
insert into gateway.channel_state (account_id, channel_id, since, templates_at) values (:acme, :sms, now (), now ())
on conflict (account_id, channel_id) do update set templates_at = now ();
insert into gateway.template (account_id, channel_id, name, lang, status, components)
values (:acme, :sms, 'hi', 'de', 'APPROVED', '[]'), (:acme, :sms, 'hi', 'en', 'PAUSED', '[1]'), (:globex, :gsms, 'hi', 'en', 'APPROVED', '[2]');
select is ((select (known, status, components)::text from find_template (:acme, :sms, 'hi', 'en')), '(t,PAUSED,[1])', 'a template is found by name and language');
select is ((select (known, status)::text from find_template (:acme, :sms, 'hi', null)), '(t,APPROVED)', 'without a language one that may be sent');
select is ((select (known, status)::text from find_template (:acme, :sms, 'hi', 'fr')), '(t,)', 'or not, of those that are known');

-- Which ticket.
select last_event as before from gateway.counter where account_id = :acme \gset
select from pg_temp.send (:acme, :other, :ana, 'first');
select is (pg_temp.told (:acme, :before), '{ticket.created,"message.queued first"}', 'a first message on a line opens a ticket, of the contact that is known');
select is ((select (t.number, t.unread, t.last_number)::text from gateway.ticket t where account_id = :acme and channel_id = :other), '(2,0,1)', 'under the next number');
select from pg_temp.send (:acme, :other, :ana, 'second');
select is ((select number from gateway.message where message_id = pg_temp.id_of ('second')), 2::bigint, 'the next one joins it');
select last_event as before from gateway.counter where account_id = :acme \gset
select from pg_temp.send (:acme, :other, :bob, 'new');
select is (pg_temp.told (:acme, :before), '{contact.created,ticket.created,"message.queued new"}', 'somebody new is a contact first');
select is ((select (k.ticket_id = pg_temp.id_of ('ticket of new') and k.contact_id = pg_temp.id_of ('contact of new'))::text from gateway.pair k where account_id = :acme and uri = :bob), 'true',
           'which the line knows');
update gateway.ticket set status = 'closed', closed_at = :'t0'::timestamptz - interval '6 days 23 hours' where account_id = :acme and channel_id = :other;
select last_event as before from gateway.counter where account_id = :acme \gset
select from pg_temp.send (:acme, :other, :bob, 'again', jsonb_build_object ('at', :'t0'));
select is (pg_temp.told (:acme, :before), '{ticket.reopened,"message.queued again"}', 'a ticket that was closed less than 7 days ago reopens');
select is ((select (status, closed_at)::text from gateway.ticket where ticket_id = pg_temp.id_of ('ticket of new')), '(open,)', 'and is open');
select ticket_id as old from gateway.ticket where account_id = :acme and channel_id = :other and uri = :ana \gset
select is ((select status from pg_temp.send (:acme, :other, :ana, 'note 3', jsonb_build_object ('ticket', :'old', 'kind', 'note'))), 201, 'a note on a closed ticket');
select is ((select status from gateway.ticket where ticket_id = :'old'), 'closed', 'leaves it closed');
update gateway.ticket set closed_at = :'t0'::timestamptz - interval '7 days' where ticket_id = :'old';
select from pg_temp.send (:acme, :other, :ana, 'much later', jsonb_build_object ('at', :'t0', 'seen', 0));
select isnt ((select ticket_id from gateway.message where message_id = pg_temp.id_of ('much later')), :'old'::uuid, 'after 7 days a new one opens');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', %L)$$, :acme, :other, :ana, jsonb_build_object ('ticket', :'old')), 'SB409', 'the customer has a newer ticket on this channel', 'and the old one cannot be answered any more');

-- Idempotency.
select status as code, body from pg_temp.send (:acme, :sms, :bob, 'once', '{"key": "k1", "body": "B"}') \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select is ((select (status, body::text)::text from pg_temp.send (:acme, :sms, :bob, 'twice', '{"key": "k1", "body": "B"}')), (select (:code, :'body'::jsonb::text)::text), 'the same POST again has the same answer');
select is (pg_temp.told (:acme, :before), '{}', 'and no other effect');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x', '{"key": "k1", "body": "C"}')$$, :acme, :sms, :bob), 'SB422', 'this Idempotency-Key was used for another request', 'its key is not for another body');
select is ((select status from pg_temp.send (:globex, :gsms, :bob, 'theirs', '{"key": "k1", "body": "C"}')), 202, 'another account may have the same key');
select isnt ((select pg_temp.send (:acme, :sms, :bob, 'free', '{"key": "k2", "body": "B"}'))::text, null, 'another key sends again');
select is ((select count (*) from gateway.message where text in ('twice', 'free')), 1::bigint, 'which makes one more message');

-- Cancel.
delete from gateway.delivery;
select from pg_temp.send (:acme, :sms, :bob, 'c1');
select from pg_temp.send (:acme, :sms, :bob, 'c2');
select last_event as before from gateway.counter where account_id = :acme \gset
select is ((select body::json ->> 'status' from api_cancel (:acme, pg_temp.id_of ('c1'), now ())), 'canceled', 'what was not begun can be taken back');
select is ((select body::json ->> 'status' from api_cancel (:acme, pg_temp.id_of ('c1'), now ())), 'canceled', 'taking it back again is no error');
select is (pg_temp.told (:acme, :before), '{"message.canceled c1"}', 'the log tells of it, once');
select is (pg_temp.take ('c', :acme, :sms), '{c2}', 'the next one leaves');
select throws_ok (format ($$select api_cancel (%s, %L, now ())$$, :acme, pg_temp.id_of ('c2')), 'SB409', null, 'what is on its way cannot');
select pg_temp.settle ('c', 'c2', 'retry', '{"retry": "1 hour"}') \gset
select is ((select body::json ->> 'status' from api_cancel (:acme, pg_temp.id_of ('c2'), now ())), 'canceled', 'what waits to be tried again can');
select throws_ok (format ($$select api_cancel (%s, %L, now ())$$, :globex, pg_temp.id_of ('c2')), 'SB404', null, 'another account''s is not there');
select throws_ok (format ($$select api_cancel (%s, %L, now ())$$, :acme, (select message_id from gateway.message where external_id = 'IN1')), 'SB409', null, 'what came in is none');

-- By hand.
select from pg_temp.send (:acme, :sms, :bob, 's1');
select throws_ok (format ($$select api_settle (%s, %L, 'sent', now ())$$, :acme, pg_temp.id_of ('s1')), 'SB409', null, 'only what is uncertain is settled by hand');
select pg_temp.take ('s1', :acme, :sms), pg_temp.settle ('s1', 's1', 'uncertain') \gset
select throws_ok (format ($$select api_cancel (%s, %L, now ())$$, :acme, pg_temp.id_of ('s1')), 'SB409', null, 'what may have gone cannot be taken back');
select throws_ok (format ($$select api_settle (%s, %L, 'maybe', now ())$$, :acme, pg_temp.id_of ('s1')), 'SB422', null, 'as sent, failed or retry');
select throws_ok (format ($$select api_settle (%s, %L, 'sent', now ())$$, :globex, pg_temp.id_of ('s1')), 'SB404', null, 'another account''s is not there');
select last_event as before from gateway.counter where account_id = :acme \gset
select is ((select body::json ->> 'status' from api_settle (:acme, pg_temp.id_of ('s1'), 'sent', now ())), 'sent', 'it is settled as sent');
select is ((select count (*) from gateway.delivery where account_id = :acme), 0::bigint, 'and done');
select from pg_temp.send (:acme, :sms, :bob, 's2', '{"parts": 2}');
select pg_temp.take ('s2', :acme, :sms), pg_temp.settle ('s2', 's2', 'uncertain', '{"retry": "1 hour"}') \gset
select is ((select body::json ->> 'status' from api_settle (:acme, pg_temp.id_of ('s2'), 'sent', now ())), 'uncertain', 'of two parts one is settled');
select is (pg_temp.take ('s3', :acme, :sms), '{s2}', 'the other one goes on');
select pg_temp.settle ('s3', 's2', 'uncertain') \gset
select is ((select body::json ->> 'status' from api_settle (:acme, pg_temp.id_of ('s2'), 'retry', now ())), 'uncertain', 'it may be tried again');
select is (pg_temp.take ('s4', :acme, :sms), '{s2}', 'at once');
select pg_temp.settle ('s4', 's2', 'uncertain') \gset
select is ((select body::json ->> 'status' from api_settle (:acme, pg_temp.id_of ('s2'), 'failed', now ())), 'sent', 'or be settled as failed: one part was sent');
select is ((select (error ->> 'code')::text from gateway.message where message_id = pg_temp.id_of ('s2')), 'settled', 'the error says that a hand did it');
select from pg_temp.send (:acme, :sms, :bob, 's5');
select pg_temp.take ('s5', :acme, :sms), pg_temp.settle ('s5', 's5', 'uncertain') \gset
select is ((select body::json ->> 'status' from api_settle (:acme, pg_temp.id_of ('s5'), 'failed', now ())), 'failed', 'a message of one part has failed then');
select is (pg_temp.told (:acme, :before), '{"message.sent s1","message.queued s2","message.uncertain s2","message.updated s2","message.updated s2","message.sent s2","message.queued s5","message.uncertain s5","message.failed s5"}',
           'the log tells all of it');
select is ((select body::json ->> 'retry_of' from pg_temp.send (:acme, :sms, :bob, 's6', jsonb_build_object ('retry_of', pg_temp.id_of ('s5')))), pg_temp.id_of ('s5')::text, 'what failed may be sent again, as a new message');

-- One message, and its life.
select pg_temp.take ('s6', :acme, :sms), pg_temp.settle ('s6', 's6', 'sent', '{"sid": "SMs6"}') \gset
select pg_temp.receive (:acme, :sms, 's6', '[{"id": "SMs6", "status": "delivered"}]') \gset
select body::jsonb as body from api_message (:acme, pg_temp.id_of ('s6')) \gset
select is (:'body'::jsonb #> '{parts,0}', '{"part": 0, "status": "delivered", "external_id": "SMs6", "provider_code": null, "detail": null, "updated_at": "2026-03-02T10:02:00.000000Z"}', 'a message shows its parts');
select is (:'body'::jsonb -> 'attempts', '[{"attempt": 1, "part": 0, "at": "2026-03-02T10:01:00.000000Z", "outcome": "sent", "http_status": 200, "provider_code": null, "detail": null, "milliseconds": 12}]', 'its attempts');
select is (:'body'::jsonb -> 'receipts', '[{"status": "delivered", "external_id": "SMs6", "provider_code": null, "detail": null, "data": null, "at": "2026-03-02T10:00:00.000000Z"}]', 'and its receipts');
select is ((select array_agg (what || ' ' || split_part (detail, ',', 1)) from trace (pg_temp.id_of ('s6')) where what in ('attempt', 'receipt', 'named')),
           array['receipt delivered', 'attempt 1 of part 0 took 12 ms: sent', 'named part 0 is SMs6 with the provider'], 'trace tells of each');

-- Lists.
select is ((select array_agg (j ->> 'text') from api_outgoing (:acme, 'order 7', null, null, 50, null) o, json_array_elements (o.data::json) j), '{r1}', 'a message is found by its reference');
select is ((select array_agg (j ->> 'text') from api_outgoing (:acme, null, 'canceled', null, 50, null) o, json_array_elements (o.data::json) j), '{c2,c1}', 'or by its status, the newest first');
select is ((select array_agg (j ->> 'text') from api_outgoing (:acme, null, null, pg_temp.t0 () + interval '1 hour', 50, null) o, json_array_elements (o.data::json) j), null, 'or by its time');
select is ((with recursive pages as (
                select p.data, p.next, 1 as n from api_outgoing (:acme, null, null, null, 3, null) p
                union all
                select q.data, q.next, n + 1 from pages cross join lateral api_outgoing (:acme, null, null, null, 3, pages.next) q where pages.next is not null)
            select array_agg (j ->> 'id' order by n, o) from pages, json_array_elements (data::json) with ordinality x (j, o)),
           (select array_agg (message_id::text order by message_id desc) from gateway.message where account_id = :acme and kind = 'outgoing'), 'page by page');
select throws_ok (format ($$select api_outgoing (%s, null, null, null, 50, 'x')$$, :acme), 'SB422', null, 'a cursor that we did not make is refused');
select throws_ok (format ($$select api_outgoing (%s, null, 'received', null, 50, null)$$, :acme), 'SB422', null, 'a status that no message of ours has is refused');
select pg_temp.is_whole_log (:acme);
select * from finish ();
rollback;
