-- Who says STOP is written to no more, until they say START; a keyword alone is no conversation.
begin;
select plan (69);
\ir lib/out.sql

select pg_temp.make_channel (:globex, 'two') as two \gset

-- Messages of an account, [[id, from, text, keyword] …]: intake's counts.
create function pg_temp.hear (p_account bigint, p_channel bigint, p_seed text, p_messages jsonb) returns text language sql as $$
    select g::text from pg_temp.give (p_seed, (
        select jsonb_agg (jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', pg_temp.t0 (), 'messages', jsonb_build_array (
            jsonb_build_object ('id', m ->> 0, 'from', m ->> 1, 'text', m ->> 2, 'keyword', m ->> 3))) order by o)
        from jsonb_array_elements (p_messages) with ordinality x (m, o))) g
$$;
create function pg_temp.registry (p_account bigint) returns text[] language sql as $$
    select coalesce (array_agg (concat_ws (' ', right (o.uri, 1), c.slug, o.source, o.word, case when o.ended_at is not null then 'ended by ' || o.ended_by end)
                                order by o.opt_out_id), '{}')
    from gateway.opt_out o left join gateway.channel c using (account_id, channel_id) where o.account_id = p_account
$$;

-- STOP alone.
select is (pg_temp.hear (:acme, :sms, 's1', '[["S1", "tel:+15552220001", "Stop.", "stop"]]'), '(0,0,0,0)', 'STOP alone is stored as no message');
select is ((select count (*) from gateway.message where account_id = :acme), 0::bigint, 'there is none');
select is ((select count (*) from gateway.ticket where account_id = :acme), 0::bigint, 'it opens no ticket');
select is (pg_temp.registry (:acme), '{"1 sms keyword Stop."}', 'the registry has it, with what was said');
select is ((select o.journal_id from gateway.opt_out o join gateway.journal j on j.journal_id = o.journal_id and j.account_id = o.account_id), pg_temp.make_id ('s1', pg_temp.t0 (), 1),
           'and points at the request, which is in the journal');
select is (pg_temp.told (:acme, 0), '{contact.created,contact.opted_out}', 'the log tells it, and of whom');
select is ((select e.subject_id from gateway.event e where account_id = :acme and type = 'contact.opted_out'),
           (select contact_id from gateway.pair where account_id = :acme and uri = :ana), 'the contact is known to the pair');
select is ((select body::jsonb -> 'data' #> '{contact,opt_outs,0}' ->> 'channel' from api_events (:acme, 1, 1)), 'sms', 'whoever reads the log sees the contact with its opt-out');
select is (pg_temp.hear (:acme, :sms, 's1', '[["S1", "tel:+15552220001", "Stop.", "stop"]]'), '(0,1,0,0)', 'redelivered, it is known');
select is (pg_temp.hear (:acme, :sms, 's2', '[["S2", "tel:+15552220001", "STOP", "stop"]]'), '(0,0,0,0)', 'said again');
select is (pg_temp.registry (:acme), '{"1 sms keyword Stop."}', 'it changes nothing');
select is (pg_temp.told (:acme, 2), '{}', 'nor is it told');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', 'the contact has opted out', 'nothing is accepted for them');
select is ((select status from pg_temp.send (:acme, :other, :ana, 'elsewhere')), 202, 'but on another channel');

-- HELP, START, YES.
select is (pg_temp.hear (:acme, :sms, 'h1', '[["H1", "tel:+15552220001", "HELP", "help"]]'), '(0,0,0,0)', 'HELP alone opens no ticket either');
select is (pg_temp.told (:acme, 4), '{}', 'and tells nothing');
select is (pg_temp.hear (:acme, :sms, 'y1', '[["Y1", "tel:+15552220001", "Yes!", "yes"]]'), '(0,0,0,0)', 'YES of somebody who had opted out is a START');
select is (pg_temp.registry (:acme), '{"1 sms keyword Stop. ended by keyword"}', 'it ends the opt-out, which is kept as evidence');
select is (pg_temp.told (:acme, 4), '{contact.opted_in}', 'the log tells it');
select is ((select array_agg (x) from is_opted_out (:acme, :sms, :ana) x), '{f}', 'they may be written to again');
select is (pg_temp.hear (:acme, :sms, 'st1', '[["ST1", "tel:+15552220001", "START", "start"]]'), '(0,0,0,0)', 'START of somebody who had not');
select is (pg_temp.told (:acme, 5), '{}', 'is nothing');
select is (pg_temp.hear (:acme, :sms, 'y2', '[["Y2", "tel:+15552220001", "Yes", "yes"]]'), '(1,0,0,0)', 'YES of somebody who had not is a message');
select is (pg_temp.told (:acme, 5), '{ticket.created,message.received}', 'that opens a ticket');

-- In a conversation.
select is (pg_temp.hear (:acme, :sms, 's3', '[["S3", "tel:+15552220001", "STOP", "stop"]]'), '(1,0,0,0)', 'STOP in an open conversation is a message of it');
select is (pg_temp.told (:acme, 7), '{message.received,contact.opted_out}', 'and an opt-out');
select is ((select (unread, last_number)::text from gateway.ticket where account_id = :acme and channel_id = :sms), '(2,2)', 'the ticket counts it');
select is (pg_temp.hear (:acme, :sms, 'st2', '[["ST2", "tel:+15552220001", "Start", "start"]]'), '(1,0,0,0)', 'so is START');
select is (pg_temp.told (:acme, 9), '{message.received,contact.opted_in}', 'which ends it');
update gateway.ticket set status = 'closed', closed_at = pg_temp.t0 () where account_id = :acme and channel_id = :sms;
select is (pg_temp.hear (:acme, :sms, 's4', '[["S4", "tel:+15552220001", "STOP", "stop"]]'), '(0,0,0,0)', 'STOP reopens no ticket');
select is ((select status from gateway.ticket where account_id = :acme and channel_id = :sms), 'closed', 'it stays closed');

-- What agents made stays; what providers made mirrors START.
update gateway.opt_out set source = 'agent' where account_id = :acme and ended_at is null;
select pg_temp.hear (:acme, :sms, 'st3', '[["ST3", "tel:+15552220001", "START", "start"]]') \gset
select is ((select array_agg (x) from is_opted_out (:acme, :sms, :ana) x), '{t}', 'START does not end what an agent has noted');
update gateway.opt_out set source = 'provider' where account_id = :acme and ended_at is null;
select pg_temp.hear (:acme, :sms, 'st4', '[["ST4", "tel:+15552220001", "START", "start"]]') \gset
select is ((select array_agg (x) from is_opted_out (:acme, :sms, :ana) x), '{f}', 'but what the provider had refused: the provider hears it, too');

-- A batch.
select last_event as before from gateway.counter where account_id = :acme \gset
select is (pg_temp.hear (:acme, :sms, 'b1', '[["B1", "tel:+15552220002", "STOP", "stop"], ["B2", "tel:+15552220002", "wait", null], ["B3", "tel:+15552220002", "YES", "yes"],
                                              ["B4", "tel:+15552220002", "yes", "yes"], ["B5", "tel:+15552220003", "HELP", "help"], ["B1", "tel:+15552220002", "STOP", "stop"]]'),
           '(3,1,0,0)', 'in a batch each is told apart, in its order');
select is ((select array_agg (text order by number) from gateway.message where account_id = :acme and from_uri = :bob), '{wait,YES,yes}', 'what comes after a message is stored with it');
select is (pg_temp.told (:acme, :before), '{contact.created,contact.opted_out,ticket.created,message.received,message.received,contact.opted_in,message.received,contact.created}', 'the log tells it in its order');
select is ((select (unread, last_number)::text from gateway.ticket where account_id = :acme and uri = :bob), '(3,3)', 'the ticket counts what it has');
select is (pg_temp.registry (:acme) @> '{"2 sms keyword STOP ended by keyword"}', true, 'of two YES the first counts');
select is (pg_temp.hear (:acme, :sms, 'b2', '[["B6", "tel:+15552220003", "hello", null], ["B7", "tel:+15552220003", "STOP", "stop"]]'), '(2,0,0,0)', 'a message after HELP opens a ticket, and STOP after it is in it');
select is ((select count (*) from gateway.pair p where account_id = :acme and contact_id is null), 0::bigint, 'no pair is left without its contact');

-- Files of what is not stored.
select is ((select g::text from pg_temp.give ('f', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', pg_temp.t0 (), 'messages', jsonb_build_array (
    jsonb_build_object ('id', 'F1', 'from', 'tel:+15552220004', 'text', 'STOP', 'keyword', 'stop', 'files', '[{"url": "https://x/1"}]'::jsonb),
    jsonb_build_object ('id', 'F2', 'from', 'tel:+15552220005', 'text', 'look', 'files', '[{"url": "https://x/2"}]'::jsonb))))) g), '(1,0,0,0)', 'a keyword with a file');
select is ((select array_agg (url) from gateway.attachment where account_id = :acme), '{https://x/2}', 'leaves no file without a message');

-- What was missed in an outage and is fetched later.
create function pg_temp.say_at (p_account bigint, p_channel bigint, p_id text, p_keyword text, p_at interval, p_ahead interval default '0')
returns boolean language plpgsql as $$
begin
    perform pg_temp.give (p_id, jsonb_build_array (jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', pg_temp.t0 () + p_at, 'messages', jsonb_build_array (
        jsonb_build_object ('id', p_id, 'from', 'tel:+15552220009', 'text', p_keyword, 'keyword', p_keyword, 'at', pg_temp.t0 () + p_at + p_ahead)))));
    return is_opted_out (p_account, p_channel, 'tel:+15552220009');
end $$;
select is (pg_temp.say_at (:acme, :sms, 'L0', 'start', '-2 min'), false, 'START of somebody who had not opted out');
select is (pg_temp.say_at (:acme, :sms, 'K0', 'stop', '-3 min'), false, 'a STOP from before it is too old all the same');
select is (pg_temp.say_at (:acme, :sms, 'L1', 'stop', '0'), true, 'STOP');
select is (pg_temp.say_at (:acme, :sms, 'L2', 'start', '-1 min'), true, 'a START from before it ends nothing');
select is (pg_temp.say_at (:acme, :sms, 'L3', 'start', '1 min'), false, 'START');
select is (pg_temp.say_at (:acme, :sms, 'L4', 'stop', '30 s'), false, 'a STOP from before it opts nobody out');
select is (pg_temp.say_at (:acme, :sms, 'L5', 'stop', '2 min'), true, 'a later one does');
select is (pg_temp.say_at (:acme, :sms, 'L6', 'yes', '90 s'), true, 'a YES from before that ends nothing');
select is ((select text from gateway.message where account_id = :acme and from_uri = 'tel:+15552220009'), 'yes', 'and is a message like any other');
select is (pg_temp.say_at (:acme, :sms, 'L7', 'start', '3 min', '1 day'), false, 'what a provider''s clock dates ahead');
select is (pg_temp.say_at (:acme, :sms, 'L8', 'stop', '4 min'), true, 'is taken for said when it came');
select is (pg_temp.say_at (:acme, :sms, 'L9', 'start', '5 min'), false, 'START');
select is (pg_temp.say_at (:acme, :other, 'M1', 'stop', '4 min'), true, 'on one channel says nothing of a STOP on another');

-- The whole account.
update gateway.account set opt_out_scope = 'account' where account_id = :globex;
select pg_temp.hear (:globex, :gsms, 'g1', '[["G1", "tel:+15552220001", "ARRÊT", "stop"]]') \gset
select is (pg_temp.registry (:globex), '{"1 keyword ARRÊT"}', 'where the business wants it so, an opt-out holds on all of its channels');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :globex, :two, :ana), 'SB409', 'the contact has opted out', 'nothing is accepted on the other one');
select is ((select array_agg (x) from is_opted_out (:acme, :sms, :ana) x), '{f}', 'another account has its own registry');
select pg_temp.hear (:globex, :two, 'g2', '[["G2", "tel:+15552220001", "STOP", "stop"]]') \gset
select is (cardinality (pg_temp.registry (:globex)), 1, 'said there again, it is known');
select pg_temp.hear (:globex, :two, 'g3', '[["G3", "tel:+15552220001", "START", "start"]]') \gset
select is (pg_temp.registry (:globex), '{"1 keyword ARRÊT ended by keyword"}', 'START on one channel ends it on all');
select is (pg_temp.say_at (:globex, :gsms, 'N1', 'start', '1 min'), false, 'START on one channel');
select is (pg_temp.say_at (:globex, :two, 'N2', 'stop', '30 s'), false, 'and a STOP from before it on another opts nobody out');
select pg_temp.hear (:globex, :gsms, 'g4', jsonb_build_array (jsonb_build_array ('G4', :ana, repeat ('stop ', 20), 'stop'))) \gset
select is ((select length (word) from gateway.opt_out where account_id = :globex and ended_at is null), 40, 'no more is kept of what was said than a keyword needs');

-- Queued before, refused at the claim.
select from pg_temp.send (:acme, :sms, :bob, 'q');
select pg_temp.hear (:acme, :sms, 'q1', '[["Q1", "tel:+15552220002", "STOP", "stop"]]') \gset
select pg_temp.take ('q', :acme, :sms) \gset
select is ((select refusal from taken where name = 'q'), 'opted_out', 'what was queued before STOP is refused when its turn comes');

-- The registry outside.
select is ((select jsonb_object_agg (k, j -> k) from (select data::jsonb -> 0 as j from api_opt_outs (:globex, 1, null)) x, unnest ('{address,channel,source,ended_at}'::text[]) k),
           '{"address": "tel:+15552220001", "channel": null, "source": "keyword", "ended_at": null}', 'a page of opt-outs, the newest first');
select is ((select jsonb_array_length (p.data::jsonb) from api_opt_outs (:globex, 1, null) o, api_opt_outs (:globex, 1, o.next) p), 1, 'and the next');
select is ((select p.next from api_opt_outs (:globex, 1, null) o, api_opt_outs (:globex, 1, o.next) p), null, 'which is the last');
select is ((select at from api_opt_outs (:globex, 50, null)), (select last_event from gateway.counter where account_id = :globex), 'true at an event');

select is ((select count (*) from gateway.counter c where c.account_id in (:acme, :globex) and last_event <> (
               select count (*) from gateway.event e where e.account_id = c.account_id)), 0::bigint, 'all logs are without gaps');
select * from finish ();
rollback;
