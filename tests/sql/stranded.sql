-- What waits on a channel that left the configuration, is paused or down, is told of when its time has passed, and never sent by surprise later.
begin;
select plan (20);
\ir lib/out.sql

select pg_temp.make_channel (:acme, 'gone') as gone \gset
\set eve '''tel:+15552220003'''
create function pg_temp.code_of (p_name text) returns text language sql as $$
    select error ->> 'code' from gateway.message where message_id = pg_temp.id_of (p_name)
$$;

select from pg_temp.send (:acme, :gone, :eve, 'e1');
select pg_temp.take ('c1', :acme, :gone) \gset
select from pg_temp.send (:acme, :gone, :ana, 'a1');
select from pg_temp.send (:acme, :gone, :ana, 'a2', '{"expires": "2026-03-02 11:00:00+00"}');
select from pg_temp.send (:acme, :gone, :ana, 'a3', '{"give_up": "2099-01-01 00:00:00+00"}');
select from pg_temp.send (:acme, :gone, :bob, 'b1', '{"parts": 2}');
select from pg_temp.send (:acme, :sms, :ana, 'kept');
select is (give_up_stranded (md5 ('g0')::uuid, '2027-01-01'), 0, 'while its channel is there, nothing is given up but by who sends there');
update gateway.channel set disabled_at = now () where account_id = :acme and slug = 'gone';
select last_event as before from gateway.counter where account_id = :acme \gset
select is (give_up_stranded (md5 ('g1')::uuid, '2026-03-02 10:59:59+00'), 0, 'before its time has passed, nothing is');
select is (give_up_stranded (md5 ('g2')::uuid, '2026-03-02 11:00:00+00'), 1, 'one whose expires_at has passed is');
select is (pg_temp.code_of ('a2'), 'expired', 'and says so, though it was behind another');
select is (give_up_stranded (md5 ('g3')::uuid, '2026-03-02 14:00:00+00'), 2, 'after give_up_after, those that nobody has begun are');
select is (pg_temp.status_of ('a1') || ' ' || pg_temp.code_of ('a1'), 'failed given_up', 'they have failed');
select is ((select error ->> 'title' from gateway.message where message_id = pg_temp.id_of ('b1')), 'its channel left the configuration', 'and say why');
select is ((select count (*) from gateway.part where message_id = pg_temp.id_of ('b1') and status = 'failed'), 2::bigint, 'with all their parts');
select is (pg_temp.told (:acme, :before), '{"message.failed a2","message.failed a1","message.failed b1"}', 'each is told of once');
select is (pg_temp.status_of ('e1'), 'queued', 'what a gateway has claimed may be under way still');
select is (give_up_stranded (md5 ('g4')::uuid, now () + interval '2 minutes'), 1, 'but not after its claim has ended');
select is (pg_temp.status_of ('e1'), 'uncertain', 'nobody knows whether it is out');
select is (give_up_stranded (md5 ('g5')::uuid, '2027-01-01'), 0, 'and it stays so until a hand settles it');
select is (pg_temp.status_of ('a3') || ' ' || pg_temp.status_of ('kept'), 'queued queued', 'what has time left waits for the channel to come back');
update gateway.channel set disabled_at = null where account_id = :acme and slug = 'gone';
select is (pg_temp.take ('c2', :acme, :gone), '{a3}', 'and goes out when it does');
select pg_temp.is_whole_log (:acme);

-- Paused or down: as with one that left, but that it is there.
select pg_temp.make_channel (:acme, 'paused') as paused \gset
select pg_temp.make_channel (:acme, 'down') as down \gset
insert into gateway.channel_state (account_id, channel_id, paused_at, since) values (:acme, :paused, now (), now ());
insert into gateway.channel_state (account_id, channel_id, health, since) values (:acme, :down, 'down', now ());
select from pg_temp.send (:acme, :paused, :bob, 'p1', '{"expires": "2026-03-02 11:00:00+00"}');
select from pg_temp.send (:acme, :down, :bob, 'd1');
select is (give_up_stranded (md5 ('g6')::uuid, '2026-03-02 11:00:00+00'), 1, 'expires_at counts while a channel is paused');
select is (pg_temp.status_of ('p1') || ' ' || pg_temp.code_of ('p1'), 'failed expired', 'and says so');
select is (give_up_stranded (md5 ('g7')::uuid, '2026-03-02 14:00:00+00'), 1, 'give_up_after, while it is down');
select is ((select error ->> 'title' from gateway.message where message_id = pg_temp.id_of ('d1')), 'it could not be sent within the channel''s give_up_after', 'as if it had been tried');
select * from finish ();
rollback;
