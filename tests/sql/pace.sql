-- On a channel that has a pace for each person, a burst goes at once and is paid for by waiting; elsewhere nobody waits.
begin;
select plan (21);
\ir lib/out.sql

select pg_temp.make_channel (:acme, 'wa') as wa \gset
update gateway.channel set pair_pace = '6 s', pair_burst = 3 where channel_id = :wa;
create function pg_temp.wait_of (p_name text) returns interval language sql as $$
    select d.run_at - now () from gateway.delivery d where d.message_id = pg_temp.id_of (p_name)
$$;
create function pg_temp.paced_to (p_channel bigint, p_uri text) returns interval language sql as $$
    select p.paced_to - now () from gateway.pair p where p.channel_id = p_channel and p.uri = p_uri
$$;
-- All of a line that leaves now, sent.
create function pg_temp.drain (p_account bigint, p_channel bigint) returns text[] language plpgsql as $$
declare
    v_all text[] := '{}';
    v_one text[];
begin
    loop
        v_one := pg_temp.take ('drain' || random (), p_account, p_channel, 1);
        exit when v_one = '{}';
        perform pg_temp.settle ((select claim from taken where name = v_one[1]), v_one[1], 'sent');
        v_all := v_all || v_one;
    end loop;
    return v_all;
end $$;

-- A burst.
select from generate_series (1, 5) n, pg_temp.send (:acme, :wa, :ana, 'a' || n);
select from pg_temp.send (:acme, :wa, :bob, 'b1');
select is ((select array_agg (x order by x) from unnest (pg_temp.drain (:acme, :wa)) x), '{a1,a2,a3,b1}', 'three to one person go at once, and others are not held up');
select is (pg_temp.paced_to (:wa, :ana), interval '18 s', 'they are paid for by waiting');
select is (pg_temp.paced_to (:wa, :bob), interval '6 s', 'each person''s line has its own pace');
select is (pg_temp.wait_of ('a4'), interval '6 s', 'the fourth is ready, but not before its time');
select from pg_temp.send (:acme, :wa, :ana, 'a6');
select is (pg_temp.drain (:acme, :wa), '{}', 'nothing overtakes it');
update gateway.pair set paced_to = paced_to - interval '6 s' where channel_id = :wa;
select pg_temp.lease_ends ('a4');
select is (pg_temp.drain (:acme, :wa), '{a4}', 'then one goes');
select is (pg_temp.wait_of ('a5'), interval '6 s', 'and the next waits for the pace');

-- A line that was silent.
delete from gateway.delivery;
update gateway.pair set paced_to = now () - interval '1 hour' where channel_id = :wa;
select from generate_series (1, 4) n, pg_temp.send (:acme, :wa, :ana, 'c' || n);
select is (pg_temp.drain (:acme, :wa), '{c1,c2,c3}', 'silence saves up no more than a burst');
delete from gateway.delivery;
select from pg_temp.send (:acme, :wa, :ana, 'd1');
select is (pg_temp.wait_of ('d1'), interval '6 s', 'what is queued on a line that has had its burst waits, too');

-- Parts are messages to the provider; what is not sent costs nothing.
delete from gateway.delivery;
update gateway.pair set paced_to = null where channel_id = :wa;
select from pg_temp.send (:acme, :wa, :ana, 'p', '{"parts": 2}');
select pg_temp.take ('p', :acme, :wa) \gset
select pg_temp.settle ('p', 'p', 'progress', '{"part": 0}') \gset
select is (pg_temp.paced_to (:wa, :ana), interval '6 s', 'a part counts as a message');
select pg_temp.settle ('p', 'p', 'retry', '{"part": 1}') \gset
select is (pg_temp.paced_to (:wa, :ana), interval '6 s', 'an attempt that failed does not');

-- SMS.
select from generate_series (1, 5) n, pg_temp.send (:acme, :sms, :ana, 's' || n);
select is (pg_temp.drain (:acme, :sms), '{s1,s2,s3,s4,s5}', 'where there is no such pace all goes at once');
select is (pg_temp.paced_to (:sms, :ana), null, 'and nothing is noted');

-- Windows.
delete from gateway.delivery;
update gateway.pair set paced_to = null;
select from pg_temp.send (:acme, :wa, :ana, 'w1');
select from pg_temp.send (:acme, :wa, :bob, 'w2');
update gateway.channel set reply_window = '24 h' where channel_id = :wa;
update gateway.pair set window_until = pg_temp.t0 () + interval '20 h' where channel_id = :wa;
select pg_temp.take ('w', :acme, :wa) \gset
select pg_temp.settle ('w', '[{"name": "w1", "outcome": "failed", "code": "window_closed"}, {"name": "w2", "outcome": "failed", "code": "unreachable"}]') \gset
select is ((select window_until from gateway.pair where channel_id = :wa and uri = :ana), pg_temp.t0 () + interval '1 minute', 'a window that the provider calls closed is');
select is ((select window_until from gateway.pair where channel_id = :wa and uri = :bob), pg_temp.t0 () + interval '20 h', 'no other is');
select throws_ok (format ('select pg_temp.send (%s, %s, %L, %L, %L)', :acme, :wa, :ana, 'w3', jsonb_build_object ('at', pg_temp.t0 () + interval '2 minutes')),
                  'SB409', 'the reply window is closed: send a template, see /v1/channels/wa/templates', 'so nothing more is taken for it');
update gateway.pair set window_until = pg_temp.t0 () - interval '1 h' where channel_id = :wa and uri = :bob;
insert into gateway.delivery (account_id, channel_id, uri, position, message_id, state, lane, run_at, created_at, give_up_at)
    values (:acme, :wa, :bob, 1, pg_temp.id_of ('w2'), 0, 0, now (), now (), now ());
select pg_temp.take ('w4', :acme, :wa) \gset
select pg_temp.settle ('w4', 'w2', 'failed', '{"code": "window_closed"}') \gset
select is ((select window_until from gateway.pair where channel_id = :wa and uri = :bob), pg_temp.t0 () - interval '1 h', 'one that was closed before stays so since then');
-- The customer writes while the attempt is under way.
update gateway.pair set window_until = pg_temp.t0 () + interval '2 h' where channel_id = :wa and uri = :ana;
select from pg_temp.send (:acme, :wa, :ana, 'w5');
select pg_temp.take ('w5', :acme, :wa) \gset
update gateway.pair set window_until = pg_temp.t0 () + interval '1 minute' + interval '24 h' where channel_id = :wa and uri = :ana;
select pg_temp.settle ('w5', 'w5', 'failed', '{"code": "window_closed"}') \gset
select is ((select window_until from gateway.pair where channel_id = :wa and uri = :ana), pg_temp.t0 () + interval '1 minute' + interval '24 h',
           'what opens it meanwhile is not undone');
select from pg_temp.send (:acme, :wa, :ana, 'w7');
select pg_temp.take ('w7', :acme, :wa) \gset
select pg_temp.settle ('w7', jsonb_build_array (jsonb_build_object ('name', 'w7', 'outcome', 'failed', 'code', 'window_closed',
                                                                   'at', pg_temp.t0 () + interval '1 minute 0.7 s'))) \gset
select is ((select window_until from gateway.pair where channel_id = :wa and uri = :ana), pg_temp.t0 () + interval '1 minute' + interval '24 h',
           'nor what opens it in the same second, for providers tell no more of the time');
select from pg_temp.send (:acme, :sms, :ana, 'w6');
select pg_temp.take ('w6', :acme, :sms) \gset
select pg_temp.settle ('w6', 'w6', 'failed', '{"code": "window_closed"}') \gset
select is ((select window_until from gateway.pair where channel_id = :sms and uri = :ana), pg_temp.t0 () + interval '1 minute', 'one that was not known is closed, too');

select pg_temp.is_whole_log (:acme);
select * from finish ();
rollback;
