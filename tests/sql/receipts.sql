-- What a provider says later of what was sent finds its message, however it comes; a status only rises.
begin;
select plan (65);
\ir lib/out.sql

create function pg_temp.said (p_id text, p_status text, p_name text default null, p_more jsonb default '{}') returns jsonb language sql as $$
    select jsonb_build_array (p_more || jsonb_build_object ('id', p_id, 'status', p_status, 'reference', pg_temp.id_of (p_name)))
$$;
-- By the provider's id, in order, twice.
select from pg_temp.send (:acme, :sms, :ana, 'a');
select pg_temp.take ('a', :acme, :sms), pg_temp.settle ('a', 'a', 'sent', '{"sid": "SMa"}') \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select is (pg_temp.receive (:acme, :sms, 'a1', pg_temp.said ('SMa', 'sent')), 1, 'a receipt is looked at');
select is (pg_temp.told (:acme, :before), '{}', 'what is known already is no news');
select pg_temp.receive (:acme, :sms, 'a2', pg_temp.said ('SMa', 'delivered')) \gset
select is (pg_temp.status_of ('a'), 'delivered', 'delivered is more than sent');
select pg_temp.receive (:acme, :sms, 'a3', pg_temp.said ('SMa', 'delivered')), pg_temp.receive (:acme, :sms, 'a4', pg_temp.said ('SMa', 'sent')),
       pg_temp.receive (:acme, :sms, 'a5', pg_temp.said ('SMa', 'failed')), pg_temp.receive (:acme, :sms, 'a6', pg_temp.said ('SMa', 'queued')) \gset
select is (pg_temp.status_of ('a'), 'delivered', 'a receipt that comes twice or late lowers nothing');
select is (pg_temp.told (:acme, :before), '{"message.delivered a"}', 'nor does the log tell of it');
select is ((select error from gateway.message where message_id = pg_temp.id_of ('a')), null, 'nor is it an error');
select is ((select count (*) from gateway.receipt where message_id = pg_temp.id_of ('a') and not pending), 6::bigint, 'all of them are kept with their message');
select is (match_receipts (100, now ()), 0, 'and not looked at again');

-- Before the answer to the send, the last first.
select from pg_temp.send (:acme, :sms, :ana, 'b');
select from pg_temp.send (:acme, :sms, :ana, 'c');
select pg_temp.take ('b', :acme, :sms) \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select pg_temp.receive (:acme, :sms, 'b1', pg_temp.said ('SMb', 'read', 'b')), pg_temp.receive (:acme, :sms, 'b2', pg_temp.said ('SMb', 'delivered', 'b')),
       pg_temp.receive (:acme, :sms, 'b3', pg_temp.said ('SMb', 'sent', 'b')) \gset
select is (pg_temp.status_of ('b'), 'read', 'read, delivered, sent, before the answer: it was read');
select is ((select claim_id from gateway.delivery where message_id = pg_temp.id_of ('b')), md5 ('b')::uuid, 'the attempt that is under way is left alone');
select is (pg_temp.settle ('b', 'b', 'sent', '{"sid": "SMb"}'), 1, 'then comes the answer');
select is (pg_temp.status_of ('b'), 'read', 'it was read all the same');
select is (pg_temp.told (:acme, :before), '{"message.read b"}', 'of which the log tells once');
select is ((select array_agg (distinct external_id) from gateway.part where message_id = pg_temp.id_of ('b')), '{SMb}', 'its part bears the provider''s id');
select is (pg_temp.take ('c', :acme, :sms), '{c}', 'the next one leaves');

-- An answer that said no after the provider had said yes.
select pg_temp.receive (:acme, :sms, 'c1', pg_temp.said ('SMc', 'sent', 'c')) \gset
select pg_temp.settle ('c', 'c', 'failed', '{"code": "busy", "title": "busy"}') \gset
select is (pg_temp.status_of ('c'), 'sent', 'what the provider has said it has did not fail');
select is ((select count (*) from gateway.delivery where message_id = pg_temp.id_of ('c')), 0::bigint, 'and is not sent again');

-- By reference alone, then by the id that was learned with it.
select from pg_temp.send (:acme, :sms, :ana, 'd', '{"parts": 2}');
select pg_temp.take ('d', :acme, :sms), pg_temp.settle ('d', '[{"name": "d", "outcome": "progress", "part": 0}, {"name": "d", "outcome": "sent", "part": 1}]') \gset
select pg_temp.receive (:acme, :sms, 'd1', pg_temp.said ('SMd1', 'delivered', 'd', '{"part": 1}')) \gset
select is (pg_temp.status_of ('d'), 'sent', 'a message is as far as its least advanced part');
select pg_temp.receive (:acme, :sms, 'd2', pg_temp.said ('SMd1', 'read')), pg_temp.receive (:acme, :sms, 'd3', pg_temp.said ('SMd0', 'delivered', 'd')) \gset
select is ((select array_agg (status order by part) from gateway.part where message_id = pg_temp.id_of ('d')), '{delivered,read}', 'each part by itself');
select is (pg_temp.status_of ('d'), 'delivered', 'delivered, where all parts are');
select pg_temp.receive (:acme, :sms, 'd4', pg_temp.said ('SMd9', 'read', 'd', '{"part": 9}')) \gset
select is ((select count (*) from gateway.part where message_id = pg_temp.id_of ('d')), 2::bigint, 'a part that is none is not believed');

-- Whose message?
select from pg_temp.send (:globex, :gsms, :ana, 'theirs');
select pg_temp.take ('g', :globex, :gsms), pg_temp.settle ('g', 'theirs', 'sent', '{"sid": "SMtheirs"}') \gset
select pg_temp.receive (:acme, :sms, 'g1', pg_temp.said ('SMtheirs', 'read')), pg_temp.receive (:acme, :sms, 'g2', pg_temp.said ('SMx', 'read', 'theirs')) \gset
select is (pg_temp.status_of ('theirs'), 'sent', 'a receipt for another account''s message is not matched');
select pg_temp.receive (:acme, :other, 'g3', pg_temp.said ('SMd1', 'failed', 'c')) \gset
select is (pg_temp.status_of ('c'), 'sent', 'nor is one for another channel''s');
select pg_temp.give ('in', jsonb_build_array (pg_temp.say (:acme, :sms, 'SMin', :ana))) \gset
select pg_temp.receive (:acme, :sms, 'g4', pg_temp.said ('SMin', 'read')) \gset
select is ((select status from gateway.message where external_id = 'SMin'), 'received', 'nor one for what came in');
select is ((select count (*) from gateway.receipt where message_id is null and pending and look_at > now ()), 5::bigint, 'they are kept');

-- Unknown, then known.
select from pg_temp.send (:acme, :sms, :bob, 'e');
select pg_temp.take ('e', :acme, :sms) \gset
select is (pg_temp.receive (:acme, :sms, 'e1', pg_temp.said ('SMe', 'delivered')), 1, 'a receipt of what nobody knows');
select is (match_receipts (100, now ()), 0, 'is not looked at again and again');
update gateway.receipt set look_at = now () where external_id = 'SMe';
select is (match_receipts (100, now ()), 1, 'but once more soon');
update gateway.receipt set look_at = now () where external_id = 'SMe';
select is (match_receipts (100, now ()), 1, 'and a minute later');
select is ((select pending from gateway.receipt where external_id = 'SMe'), false, 'then it waits');
select is (pg_temp.status_of ('e'), 'queued', 'and changes nothing');
select pg_temp.settle ('e', 'e', 'sent', '{"sid": "SMe"}') \gset
select is ((select (pending, message_id)::text from gateway.receipt where external_id = 'SMe'), '(t,)', 'until its message is known');
select match_receipts (100, now ()) \gset
select is (pg_temp.status_of ('e'), 'delivered', 'which it then concerns');

-- An uncertain delivery.
select from pg_temp.send (:acme, :sms, :bob, 'f');
select from pg_temp.send (:acme, :sms, :bob, 'g');
select pg_temp.take ('f', :acme, :sms), pg_temp.settle ('f', 'f', 'uncertain', '{"retry": "1 hour"}') \gset
select is (pg_temp.take ('f2', :acme, :sms), '{}', 'what is uncertain holds its line until it is tried again');
select pg_temp.receive (:acme, :sms, 'f1', pg_temp.said ('SMf', 'queued', 'f')) \gset
select is (pg_temp.status_of ('f'), 'sent', 'any receipt proves that it was sent');
select is (pg_temp.take ('f3', :acme, :sms), '{g}', 'so it is not sent again, and the next one leaves');
select pg_temp.settle ('f3', 'g', 'uncertain') \gset
select pg_temp.receive (:acme, :sms, 'f4', pg_temp.said ('SMg', 'delivered', 'g')) \gset
select is ((select count (*) from gateway.delivery where message_id = pg_temp.id_of ('g')), 0::bigint, 'what waits for a hand is settled by its receipt, too');
select from pg_temp.send (:acme, :sms, :bob, 'h', '{"parts": 2}');
select pg_temp.take ('h', :acme, :sms), pg_temp.lease_ends ('h') \gset
select pg_temp.receive (:acme, :sms, 'h1', pg_temp.said ('SMh', 'sent', 'h')) \gset
select is (pg_temp.take ('h2', :acme, :sms), '{h}', 'of two parts that a dead gateway had begun');
select is ((select (part, lost)::text from taken where claim = 'h2'), '(1,f)', 'only the second is still to be sent');
select pg_temp.settle ('h2', 'h', 'sent') \gset

-- Failed, and opted out.
select from pg_temp.send (:acme, :sms, :bob, 'i');
select from pg_temp.send (:acme, :sms, :ana, 'j');
select pg_temp.take ('i', :acme, :sms), pg_temp.settle ('i', '[{"name": "i", "outcome": "sent", "sid": "SMi"}, {"name": "j", "outcome": "sent", "sid": "SMj"}]') \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select pg_temp.receive (:acme, :sms, 'i1', pg_temp.said ('SMi', 'failed', null, '{"code": "30003", "detail": "Unreachable"}')) \gset
select is (pg_temp.status_of ('i'), 'failed', 'what could not be delivered has failed');
select is ((select error from gateway.message where message_id = pg_temp.id_of ('i')),
           '{"code": "not_delivered", "title": "the provider could not deliver it", "detail": "Unreachable", "provider_code": "30003"}', 'and says why');
select is ((select (status, code, detail)::text from gateway.part where message_id = pg_temp.id_of ('i')), '(failed,30003,Unreachable)', 'so does its part');
select pg_temp.receive (:acme, :sms, 'i2', pg_temp.said ('SMi', 'delivered')) \gset
select is ((select (status, error)::text from gateway.message where message_id = pg_temp.id_of ('i')), '(delivered,)', 'delivered after all, it is no error any more');
select pg_temp.receive (:acme, :sms, 'j1', pg_temp.said ('SMj', 'failed', null, '{"code": "21610", "opted_out": true}')) \gset
select is ((select error ->> 'code' from gateway.message where message_id = pg_temp.id_of ('j')), 'opted_out', 'a receipt may say that somebody wants nothing more');
select is (pg_temp.told (:acme, :before), '{"message.failed i","message.delivered i","message.failed j",contact.opted_out}', 'the log tells it');
select is ((select (uri, source, word, journal_id)::text from gateway.opt_out), '(' || :ana || ',provider,21610,' || pg_temp.make_id ('j1', pg_temp.t0 (), 1) || ')', 'the registry has it, with its evidence');

-- One request with receipts of several.
select from pg_temp.send (:acme, :sms, :bob, 'k');
select pg_temp.take ('k', :acme, :sms), pg_temp.settle ('k', 'k', 'sent', '{"sid": "SMk"}') \gset
select pg_temp.receive (:acme, :sms, 'k1', '[{"id": "SMk", "status": "sent"}, {"id": "SMk", "status": "read"}, {"id": "SMk", "status": "delivered"}]') \gset
select is (pg_temp.status_of ('k'), 'read', 'of several receipts in one request the furthest counts');

-- Why, in our words; what more the provider says; and that it let nothing through because the window was closed.
create function pg_temp.window_until () returns timestamptz language sql as $$
    select p.window_until from gateway.pair p join gateway.channel c using (account_id, channel_id) join gateway.account a using (account_id)
    where a.slug = 'acme' and c.slug = 'sms' and p.uri = 'tel:+15552220001'
$$;
create function pg_temp.sent (p_name text) returns void language sql as $$
    select from pg_temp.send ((select account_id from gateway.account where slug = 'acme'), (select channel_id from gateway.channel where slug = 'sms' order by 1 limit 1),
                              'tel:+15552220001', p_name);
    select from pg_temp.take (p_name, (select account_id from gateway.account where slug = 'acme'), (select channel_id from gateway.channel where slug = 'sms' order by 1 limit 1));
    select from pg_temp.settle (p_name, p_name, 'sent', jsonb_build_object ('sid', 'wamid.' || p_name));
$$;
delete from gateway.opt_out;
update gateway.channel set reply_window = '1 day' where account_id = :acme;
update gateway.pair set window_until = :'t0'::timestamptz + interval '5 hours' where account_id = :acme;
select from pg_temp.sent ('l');
select pg_temp.receive (:acme, :sms, 'l1', '[{"id": "wamid.l", "status": "delivered", "data": {"pricing": {"category": "service"}}}]') \gset
select is ((select j -> 'receipts' -> -1 from way_json (:acme, pg_temp.id_of ('l')) j) - 'at',
           '{"status": "delivered", "external_id": "wamid.l", "provider_code": null, "detail": null, "data": {"pricing": {"category": "service"}}}',
           'what more a receipt says is shown with it');
select from pg_temp.sent ('m');
select pg_temp.receive (:acme, :sms, 'm1', '[{"id": "wamid.m", "status": "failed", "code": "131026", "detail": "Undeliverable", "reason": "unreachable", "title": "they cannot be reached"}]') \gset
select is ((select error from gateway.message where message_id = pg_temp.id_of ('m')),
           '{"code": "unreachable", "title": "they cannot be reached", "detail": "Undeliverable", "provider_code": "131026"}', 'a failure has the reason that the adapter gives it');
select is ((select (reason, title)::text from gateway.part where message_id = pg_temp.id_of ('m')), '(unreachable,"they cannot be reached")', 'so has its part');
select is (pg_temp.window_until (), :'t0'::timestamptz + interval '5 hours', 'and the window stays as it is');
select from pg_temp.sent ('n');
select pg_temp.receive (:acme, :sms, 'n1', '[{"id": "wamid.n", "status": "failed", "code": "131047", "reason": "window_closed", "title": "the window is closed"},
                                          {"id": "SMk", "status": "failed", "reason": "unreachable"}]') \gset
select is ((select error ->> 'code' from gateway.message where message_id = pg_temp.id_of ('n')), 'window_closed', 'a provider may know better that the window is closed');
select is (pg_temp.window_until (), :'t0'::timestamptz + interval '2 minutes', 'then it is');
select is ((select window_until from gateway.pair where account_id = :acme and channel_id = :sms and uri = :bob), :'t0'::timestamptz + interval '5 hours',
           'but nobody else''s that failed at the same time');
update gateway.pair set window_until = :'t0'::timestamptz + interval '1 minute' where account_id = :acme;
select pg_temp.receive (:acme, :sms, 'n2', '[{"id": "wamid.n", "status": "failed", "reason": "window_closed"}]') \gset
select is (pg_temp.window_until (), :'t0'::timestamptz + interval '1 minute', 'one that is closed longer stays so');
update gateway.pair set window_until = :'t0'::timestamptz + interval '1 day 1 second' where account_id = :acme;
select pg_temp.receive (:acme, :sms, 'n3', '[{"id": "wamid.n", "status": "failed", "reason": "window_closed"}]') \gset
select is (pg_temp.window_until (), :'t0'::timestamptz + interval '1 day 1 second', 'what the customer said after the message keeps it open');
update gateway.message set created_at = :'t0'::timestamptz + interval '1.7 seconds' where message_id = pg_temp.id_of ('n');
select pg_temp.receive (:acme, :sms, 'n4', '[{"id": "wamid.n", "status": "failed", "reason": "window_closed"}]') \gset
select is (pg_temp.window_until (), :'t0'::timestamptz + interval '1 day 1 second', 'also in the same second, for providers tell no more of the time');
select from pg_temp.sent ('o');
update gateway.pair set window_until = null where account_id = :acme;
select pg_temp.receive (:acme, :sms, 'o1', '[{"id": "wamid.o", "status": "failed", "reason": "window_closed"}]') \gset
select is (pg_temp.window_until (), :'t0'::timestamptz + interval '2 minutes', 'of a pair that nothing was known of it is closed, too');

-- Message and part stand in what the provider gives back: "MESSAGE/PART".
update gateway.pair set window_until = null where account_id = :acme;
update gateway.channel set reply_window = null where account_id = :acme;
select from pg_temp.send (:acme, :sms, :ana, 'p', '{"parts": 2}');
select from pg_temp.send (:acme, :sms, :ana, 'q');
select pg_temp.take ('p', :acme, :sms), pg_temp.settle ('p', '[{"name": "p", "outcome": "progress", "part": 0, "sid": "wamid.p0"}]'),
       pg_temp.settle ('p', '[{"name": "p", "outcome": "uncertain", "part": 1}]') \gset
select is (pg_temp.status_of ('p'), 'uncertain', 'the answer to the second part of a message was lost');
select pg_temp.receive (:acme, :sms, 'p1', pg_temp.said ('wamid.p1', 'delivered', 'p', '{"part": 1}')) \gset
select is ((select array_agg (external_id || ' ' || status order by part) from gateway.part where message_id = pg_temp.id_of ('p')), '{"wamid.p0 sent","wamid.p1 delivered"}',
           'the receipt that names it gives the part its id');
select is (pg_temp.status_of ('p'), 'sent', 'the message was sent');
select is ((select count (*) from gateway.delivery where message_id = pg_temp.id_of ('p')), 0::bigint, 'and is not sent again');
select is (pg_temp.take ('q', :acme, :sms), '{q}', 'the next one leaves');
select pg_temp.receive (:acme, :sms, 'p2', pg_temp.said ('wamid.p0', 'read')), pg_temp.receive (:acme, :sms, 'p3', pg_temp.said ('wamid.p1', 'read')) \gset
select is (pg_temp.status_of ('p'), 'read', 'then both are known by their own ids');

select pg_temp.is_whole_log (:acme);
select * from finish ();
rollback;
