-- What is to be sent goes out one after the other on each pair, once, whoever dies meanwhile.
begin;
select plan (101);
\ir lib/out.sql

-- The baton.
select from pg_temp.send (:acme, :sms, :ana, 'a1');
select from pg_temp.send (:acme, :sms, :ana, 'a2');
select from pg_temp.send (:acme, :sms, :bob, 'b1');
select is (pg_temp.take ('c1', :acme, :sms), '{a1,b1}', 'of each pair one message leaves');
select is (pg_temp.take ('c2', :acme, :sms), '{}', 'nothing else while it is under way');
select is ((select array_agg ((attempt, part, lost, refusal)::text) from taken), '{"(1,0,f,)","(1,0,f,)"}', 'it is the first attempt of the first part');
select last_event as before from gateway.counter where account_id = :acme \gset
select is (pg_temp.settle ('c1', 'a1', 'sent', '{"sid": "SMa1"}'), 1, 'once the provider has it');
select is (pg_temp.take ('c3', :acme, :sms), '{a2}', 'the next of its pair leaves');
select is (pg_temp.status_of ('a1'), 'sent', 'it is sent');
select is (pg_temp.told (:acme, :before), '{"message.sent a1"}', 'the log says so');
select is ((select (p.part, p.status, p.external_id)::text from gateway.part p where message_id = pg_temp.id_of ('a1')), '(0,sent,SMa1)', 'its part bears the provider''s id');
select is ((select (p.message_id, p.part)::text from gateway.provider_id p where hash = pg_temp.make_hash ('SMa1')), '(' || pg_temp.id_of ('a1') || ',0)',
           'by which it can be found');
select is ((select (attempt, part, outcome, http_status, milliseconds)::text from gateway.attempt where message_id = pg_temp.id_of ('a1')), '(1,0,sent,200,12)', 'the attempt is kept');
select pg_temp.settle ('c1', 'b1', 'sent'), pg_temp.settle ('c3', 'a2', 'sent') \gset
select is_empty ('select * from gateway.delivery', 'what is done leaves no work behind');

-- Lanes.
select from pg_temp.send (:acme, :sms, :ana, 'bulk1', '{"lane": "bulk"}');
select from pg_temp.send (:acme, :sms, :ana, 'bulk2', '{"lane": "bulk"}');
select from pg_temp.send (:acme, :sms, :bob, 'bulk3', '{"lane": "bulk"}');
select from pg_temp.send (:acme, :sms, :ana, 'reply1', '{"lane": "normal"}');
select from pg_temp.send (:acme, :sms, :ana, 'reply2');
select is (pg_temp.take ('l0', :acme, :sms, 100, '{0}'), '{reply1}', 'an agent''s reply goes before bulk that was not begun, on its own pair, too');
select is (pg_temp.take ('l1', :acme, :sms, 100, '{1}'), '{bulk3}', 'other lines'' bulk does not wait for it');
select pg_temp.settle ('l0', 'reply1', 'sent') \gset
select is (pg_temp.take ('l2', :acme, :sms, 100, '{0,1}'), '{reply2}', 'then the next reply');
select pg_temp.settle ('l2', 'reply2', 'sent') \gset
select is (pg_temp.take ('l3', :acme, :sms, 100, '{0,1}'), '{bulk1}', 'then the bulk, in its order');
select from pg_temp.send (:acme, :sms, :ana, 'reply3');
select is (pg_temp.take ('l4', :acme, :sms), '{}', 'bulk that is under way is not overtaken');
select pg_temp.settle ('l3', 'bulk1', 'sent') \gset
select is (pg_temp.take ('l5', :acme, :sms), '{reply3}', 'but what is behind it is');
-- Two replies behind bulk that is to be tried again keep their order.
select pg_temp.settle ('l5', 'reply3', 'sent') \gset
select is (pg_temp.take ('l6', :acme, :sms), '{bulk2}', 'the last bulk message leaves');
select from pg_temp.send (:acme, :sms, :ana, 'reply4');
select pg_temp.settle ('l6', 'bulk2', 'retry', '{"retry": "10 minutes"}') \gset
select from pg_temp.send (:acme, :sms, :ana, 'reply5');
select is (pg_temp.take ('l7', :acme, :sms), '{reply4}', 'of replies that wait the first is first');
select pg_temp.settle ('l7', 'reply4', 'sent') \gset
select is (pg_temp.take ('l8', :acme, :sms), '{reply5}', 'and the second second');
select pg_temp.settle ('l8', 'reply5', 'sent') \gset
select is (pg_temp.take ('l9', :acme, :sms), '{}', 'bulk that was put off keeps its hour');
select pg_temp.lease_ends ('bulk2') \gset
select is (pg_temp.take ('l10', :acme, :sms), '{bulk2}', 'and goes then');
select pg_temp.settle ('l10', 'bulk2', 'sent'), pg_temp.settle ('l1', 'bulk3', 'sent') \gset

-- Channels and limits.
select from generate_series (1, 5) n, pg_temp.send (:acme, :sms, 'tel:+1555333000' || n, 'n' || n);
select from pg_temp.send (:acme, :other, :ana, 'elsewhere');
select is (cardinality (pg_temp.take ('n1', :acme, :sms, 2)), 2, 'no more is claimed than asked for');
select is (cardinality (pg_temp.take ('n2', :acme, :sms, 100)), 3, 'the rest later');
select is (pg_temp.take ('n3', :acme, :other, 100), '{elsewhere}', 'each channel by itself');
select sum (settle (md5 (claim)::uuid, pg_temp.t0 (), array[account_id], array[channel_id], array[uri], array[position], array[message_id], array[attempt], array[part],
               '{sent}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}', '{200}', '{1}', '{null}', '{null}', array[gen_random_uuid ()]))
from taken where claim in ('n1', 'n2', 'n3') \gset
select is_empty ('select * from gateway.delivery', 'all of it is sent');

-- Retry, failing, release.
select from pg_temp.send (:acme, :sms, :ana, 'r1');
select from pg_temp.send (:acme, :sms, :ana, 'r2');
select pg_temp.take ('r1', :acme, :sms) \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select pg_temp.settle ('r1', 'r1', 'retry', '{"retry": "30 seconds", "provider_code": "20429", "notes": "media M1"}') \gset
select is (pg_temp.status_of ('r1'), 'queued', 'what is to be tried again stays queued');
select is (pg_temp.told (:acme, :before), '{}', 'the log need not know');
select is (pg_temp.take ('r2', :acme, :sms), '{}', 'nothing overtakes it meanwhile');
select is ((select run_at - now () from gateway.delivery where message_id = pg_temp.id_of ('r1')), '30 seconds', 'it waits as long as it was told');
select pg_temp.lease_ends ('r1') \gset
select is (pg_temp.take ('r3', :acme, :sms), '{r1}', 'its time comes');
select is ((select (attempt, lost)::text from taken where claim = 'r3'), '(2,f)', 'it is the second attempt');
select is ((select notes from taken where claim = 'r3'), 'media M1', 'that knows what the first one learned');
select pg_temp.settle ('r3', 'r1', 'release') \gset
select is (pg_temp.take ('r4', :acme, :sms), '{r1}', 'what was given back can be had at once');
select is ((select (attempt, notes)::text from taken where claim = 'r4'), '(2,"media M1")', 'was no attempt, and nothing is forgotten');
select pg_temp.settle ('r4', 'r1', 'failed', '{"code": "unreachable", "title": "no such number", "words": "The number does not exist", "provider_code": "21211"}') \gset
select is (pg_temp.status_of ('r1'), 'failed', 'what is refused has failed');
select is ((select error from gateway.message where message_id = pg_temp.id_of ('r1')),
           '{"code": "unreachable", "title": "no such number", "detail": "The number does not exist", "provider_code": "21211"}', 'and says why');
select is (pg_temp.told (:acme, :before), '{"message.failed r1"}', 'the log says so');
select is (pg_temp.take ('r5', :acme, :sms), '{r2}', 'the next one leaves all the same');
select is ((select array_agg (outcome order by attempt) from gateway.attempt where message_id = pg_temp.id_of ('r1')), '{retry,failed}', 'both attempts are kept');

-- Opted out.
select pg_temp.settle ('r5', 'r2', 'opted_out', '{"code": "opted_out", "title": "the contact has opted out", "provider_code": "21610"}') \gset
select is (pg_temp.status_of ('r2'), 'failed', 'a message to somebody who wants none has failed');
select is (pg_temp.told (:acme, :before), '{"message.failed r1","message.failed r2",contact.opted_out}', 'the log tells of both');
select is ((select subject_id from gateway.event where account_id = :acme and type = 'contact.opted_out'),
           (select contact_id from gateway.address where account_id = :acme and uri = :ana), 'and of whom');
select is ((select (uri, source, word, channel_id, ended_at)::text from gateway.opt_out), '(' || :ana || ',provider,21610,' || :sms || ',)', 'the registry keeps it');
insert into gateway.delivery (account_id, channel_id, uri, position, message_id, state, lane, run_at, created_at, give_up_at)
    values (:acme, :sms, :ana, 1, pg_temp.id_of ('r2'), 0, 0, now (), now (), now ());
select is (pg_temp.take ('o1', :acme, :sms), '{r2}', 'what was queued before is still claimed');
select is ((select refusal from taken where claim = 'o1'), 'opted_out', 'but refused');
select pg_temp.settle ('o1', 'r2', 'opted_out') \gset
select is ((select count (*) from gateway.opt_out), 1::bigint, 'once registered is enough');
select is (pg_temp.told (:acme, :before), '{"message.failed r1","message.failed r2",contact.opted_out}', 'once told, too');
update gateway.opt_out set ended_at = now ();

-- Expiry.
select from pg_temp.send (:acme, :sms, :bob, 'late', jsonb_build_object ('expires', now () - interval '1 minute'));
select is (pg_temp.take ('e1', :acme, :sms), '{late}', 'what has expired is claimed');
select is ((select refusal from taken where claim = 'e1'), 'expired', 'to be refused');
select pg_temp.settle ('e1', 'late', 'failed', '{"code": "expired", "title": "it came too late"}') \gset

-- Lost: a gateway that died.
select from pg_temp.send (:acme, :sms, :ana, 'x1');
select from pg_temp.send (:acme, :sms, :ana, 'x2');
select pg_temp.take ('dead', :acme, :sms) \gset
select pg_temp.lease_ends ('x1') \gset
select is (pg_temp.take ('heir', :acme, :sms), '{x1}', 'what a dead gateway had comes back');
select is ((select (attempt, lost, refusal)::text from taken where claim = 'heir'), '(1,t,)', 'as lost, under the number of the lost attempt');
select is (pg_temp.settle ('dead', 'x1', 'retry', '{"retry": "1 hour"}'), 0, 'the dead one''s word counts nothing');
select is ((select (claim_id = md5 ('heir')::uuid, state, attempts)::text from gateway.delivery where message_id = pg_temp.id_of ('x1')), '(t,0,1)', 'and moves nothing');
select is (pg_temp.settle ('dead', 'x1', 'sent', '{"sid": "SMx1"}'), 0, 'even where it had sent it');
select is ((select claim_id from gateway.delivery where message_id = pg_temp.id_of ('x1')), md5 ('heir')::uuid, 'the heir keeps its claim');
select is ((select (status, external_id)::text from gateway.part where message_id = pg_temp.id_of ('x1')), '(sent,SMx1)', 'but what it learned is known');
select is (pg_temp.status_of ('x1'), 'sent', 'the message is sent');
select pg_temp.settle ('heir', 'x1', 'uncertain', '{"retry": "1 minute"}') \gset
select is ((select count (*) from gateway.delivery where message_id = pg_temp.id_of ('x1')), 0::bigint, 'so it is not sent again by whoever was not sure');
select is (pg_temp.take ('x2', :acme, :sms), '{x2}', 'and the next one leaves');
select pg_temp.settle ('x2', 'x2', 'uncertain', '{"retry": "1 hour"}') \gset
select is (pg_temp.settle ('x2', 'x2', 'sent', '{"sid": "SMx2"}'), 0, 'an answer that comes after all');
select is ((select count (*) from gateway.delivery), 0::bigint, 'ends what nobody has claimed');

-- What a gateway claims again itself: a late answer to the attempt before is not one to this.
select pg_temp.make_channel (:acme, 'late') as late \gset
select from pg_temp.send (:acme, :late, 'tel:+15552229999', 'late1');
select pg_temp.take ('same', :acme, :late) \gset
select is (pg_temp.settle ('same', 'late1', 'retry', '{"retry": "0 seconds"}'), 1, 'an attempt that failed is made again');
select pg_temp.take ('same', :acme, :late) \gset
select is ((select array_agg (attempt order by attempt) from taken where claim = 'same'), '{1,2}', 'by the same gateway');
delete from taken where claim = 'same' and attempt = 2;
select is (pg_temp.settle ('same', 'late1', 'failed', '{"code": "refused"}'), 0, 'what is said of the first moves nothing');
select is (pg_temp.status_of ('late1'), 'queued', 'while the second is under way');

-- A claim whose answer was lost with the connection.
select from pg_temp.send (:acme, :sms, :ana, 'k1');
select from pg_temp.send (:acme, :sms, :bob, 'k2');
select pg_temp.take ('k', :acme, :sms) \gset
select is (let_go (md5 ('other')::uuid, array[:acme], array[:sms], '{}'), 0, 'a gateway gives back nothing that another has claimed');
select is (let_go (md5 ('k')::uuid, array[:acme], array[:sms], array[pg_temp.id_of ('k2')]), 1, 'nor what it holds itself');
select is (pg_temp.take ('k3', :acme, :sms), '{k1}', 'what it got without learning of it can be had at once');
select is ((select (attempt, lost)::text from taken where claim = 'k3'), '(1,f)', 'and was no attempt');
select is (pg_temp.settle ('k', 'k2', 'sent', '{"sid": "SMk2"}'), 1, 'what it held is its own still');
select pg_temp.lease_ends ('k1') \gset
select pg_temp.take ('k4', :acme, :sms) \gset
select is (let_go (md5 ('k4')::uuid, array[:acme], array[:sms], '{}'), 1, 'what it got without learning that it was lost');
select is (pg_temp.take ('k5', :acme, :sms), '{k1}', 'can be had at once');
select is ((select (attempt, lost)::text from taken where claim = 'k5'), '(1,t)', 'as lost, again');
select pg_temp.settle ('k5', 'k1', 'failed') \gset

-- Uncertain.
select last_event as before from gateway.counter where account_id = :acme \gset
select from pg_temp.send (:acme, :sms, :ana, 'u1');
select from pg_temp.send (:acme, :sms, :ana, 'u2');
select pg_temp.take ('u1', :acme, :sms) \gset
select pg_temp.settle ('u1', 'u1', 'uncertain', '{"retry": "1 minute"}') \gset
select is (pg_temp.status_of ('u1'), 'uncertain', 'what may have happened is uncertain');
select is (pg_temp.take ('u2', :acme, :sms), '{}', 'to be tried again, it keeps its place');
select pg_temp.lease_ends ('u1') \gset
select is (pg_temp.take ('u3', :acme, :sms), '{u1}', 'and is tried again');
select pg_temp.settle ('u3', 'u1', 'uncertain') \gset
select is ((select state::int from gateway.delivery where message_id = pg_temp.id_of ('u1')), 2, 'or waits for a hand');
select is (pg_temp.take ('u4', :acme, :sms), '{u2}', 'and then it holds up nobody');
select is (pg_temp.told (:acme, :before), '{"message.queued u1","message.queued u2","message.uncertain u1"}', 'the log tells once that it is uncertain');
select pg_temp.settle ('u4', 'u2', 'uncertain', '{"retry": "5 hours"}') \gset
select is ((select state::int from gateway.delivery where message_id = pg_temp.id_of ('u2')), 2, 'what could be tried again only when it is too late waits for a hand');

-- Three parts.
select from pg_temp.send (:acme, :sms, :bob, 'p', '{"parts": 3}');
select from pg_temp.send (:acme, :sms, :bob, 'q');
select last_event as before from gateway.counter where account_id = :acme \gset
select pg_temp.take ('p1', :acme, :sms) \gset
select is (pg_temp.settle ('p1', '[{"name": "p", "outcome": "progress", "part": 0, "sid": "P0"}, {"name": "p", "outcome": "progress", "part": 1, "sid": "P1"}]'), 2, 'two parts are out');
select is ((select (part, claim_id is not null)::text from gateway.delivery where message_id = pg_temp.id_of ('p')), '(2,t)', 'the claim goes on with the third');
update gateway.delivery set notes = '"media of part 1"' where message_id = pg_temp.id_of ('p');
select pg_temp.settle ('p1', 'p', 'progress', '{"part": 1, "sid": "P1", "retry": "1 h"}') \gset
select is ((select notes from gateway.delivery where message_id = pg_temp.id_of ('p')), null, 'what was learned of one part is nothing to the next');
select is ((select run_at - now () from gateway.delivery where message_id = pg_temp.id_of ('p')), interval '1 h', 'each part lengthens the claim');
select pg_temp.settle ('p1', 'p', 'progress', '{"part": 1, "sid": "P1", "retry": "1 s"}') \gset
select is ((select run_at - now () from gateway.delivery where message_id = pg_temp.id_of ('p')), interval '1 h', 'and none shortens it');
select is (pg_temp.status_of ('p'), 'queued', 'the message is not sent before all of it is');
select pg_temp.settle ('p1', 'p', 'retry', '{"part": 2}') \gset
select from pg_temp.send (:acme, :sms, :bob, 'r');
select is (pg_temp.take ('p2', :acme, :sms), '{p}', 'nothing comes between its parts');
select is ((select part from taken where claim = 'p2'), 2, 'the third is tried again alone');
select pg_temp.settle ('p2', 'p', 'sent', '{"sid": "P2"}') \gset
select is (pg_temp.told (:acme, :before), '{"message.queued r","message.sent p"}', 'then it is sent');
select is (pg_temp.take ('p3', :acme, :sms), '{q}', 'and the next one leaves');

-- What an answer answers, by the provider's name for it.
delete from gateway.delivery;
select pg_temp.give ('in', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', pg_temp.t0 (), 'messages',
    jsonb_build_array (jsonb_build_object ('id', 'SMin', 'from', 'tel:+15552227777', 'text', 'hello?', 'at', pg_temp.t0 ()))))) \gset
select message_id as heard, ticket_id as ticket from gateway.message where external_id = 'SMin' \gset
select from pg_temp.send (:acme, :sms, 'tel:+15552227777', 'to heard', jsonb_build_object ('ticket', :'ticket', 'in_reply_to', :'heard'));
select pg_temp.take ('y1', :acme, :sms) \gset
select is ((select reply_to from taken where claim = 'y1'), 'SMin', 'an answer to what came in knows its provider''s id');
select pg_temp.settle ('y1', 'to heard', 'sent', '{"sid": "SMy1"}') \gset
select from pg_temp.send (:acme, :sms, 'tel:+15552227777', 'to said', jsonb_build_object ('ticket', :'ticket', 'in_reply_to', pg_temp.id_of ('to heard')));
select pg_temp.take ('y2', :acme, :sms) \gset
select is ((select reply_to from taken where claim = 'y2'), 'SMy1', 'one to what we said, too');
select is ((select reply_to from taken where claim = 'p1'), null, 'others answer nothing');

-- Files, and what the channel knows of them.
create function pg_temp.known_at (p_claim text) returns text[] language sql as $$
    select array (select f ->> 'known' from taken t, jsonb_array_elements (t.attachments) f where t.claim = p_claim)
$$;
insert into gateway.attachment (account_id, attachment_id, position, status, mime, size, sha256, created_at)
select :acme, pg_temp.id_of ('file ' || n), 0, 'stored', 'image/png', 3, sha256 (convert_to (x, 'UTF8')), pg_temp.t0 ()
from (values (1, 'abc'), (2, 'abd'), (3, 'abc')) y (n, x);
select from pg_temp.send (:acme, :sms, :ana, 'f1', jsonb_build_object ('attachments', jsonb_build_array (pg_temp.id_of ('file 1'), pg_temp.id_of ('file 2'))));
select pg_temp.take ('f1', :acme, :sms) \gset
select is (pg_temp.known_at ('f1'), '{null,null}', 'nothing is known of new files');
select is ((select attachments -> 0 ->> 'sha256' from taken where claim = 'f1'), encode (sha256 ('abc'), 'hex'), 'but what their bytes are');
select settle (md5 ('f1')::uuid, pg_temp.t0 (), array[account_id], array[channel_id], array[uri], array[position], array[message_id], array[attempt], array[part],
               '{failed}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}', '{400}', '{1}', '{null}', '{null}', array[gen_random_uuid ()],
               array[:acme, :acme, :acme], array[:sms, :sms, :sms],
               array['file ' || encode (sha256 ('abc'), 'hex'), 'file ' || encode (sha256 ('abd'), 'hex'), 'file ' || encode (sha256 ('abc'), 'hex')],
               '{M0,M2,M1}', array[now () + interval '29 days', now (), now () + interval '29 days'])
from taken where claim = 'f1' \gset
select from pg_temp.send (:acme, :sms, :bob, 'f2', jsonb_build_object ('attachments', jsonb_build_array (pg_temp.id_of ('file 3'))));
select pg_temp.take ('f2', :acme, :sms) \gset
select is (pg_temp.known_at ('f2'), '{M1}', 'what one message learned of a file, whatever became of it, the next one knows');
select is ((select count (*) from gateway.channel_note), 2::bigint, 'once for each file');
update gateway.attachment set message_id = pg_temp.id_of ('f2'), position = 1 where attachment_id = pg_temp.id_of ('file 2');
select pg_temp.settle ('f2', 'f2', 'retry') \gset
select pg_temp.take ('f3', :acme, :sms) \gset
select is (pg_temp.known_at ('f3'), '{M1,null}', 'until that expires');
update gateway.channel_note set channel_id = :other;
select pg_temp.settle ('f3', 'f2', 'retry') \gset
select pg_temp.take ('f4', :acme, :sms) \gset
select is (pg_temp.known_at ('f4'), '{null,null}', 'another channel''s provider knows its own');

select pg_temp.is_whole_log (:acme);
select * from finish ();
rollback;
