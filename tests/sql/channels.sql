-- How channels fare, and up to when what came in is known.
begin;
select plan (30);
\ir lib/world.sql

create function pg_temp.shown (p_slug text) returns jsonb language sql as $$
    select j from jsonb_array_elements ((select data::jsonb from api_channels ((select account_id from gateway.account where slug = 'acme')))) j
    where j ->> 'slug' = p_slug
$$;
create function pg_temp.seen (p_channel bigint) returns timestamptz language sql as $$
    select seen_to from gateway.channel_state where channel_id = p_channel
$$;

-- Health.
select is (pg_temp.shown ('sms') - 'created_at',
           '{"slug": "sms", "adapter": "twilio", "address": "tel:+15550001111", "status": "active", "paused": false, "health": "up", "cause": null, "remedy": null, "checked_at": null}',
           'a channel that nobody has asked for is up');
select ok (not set_health (:acme, :sms, 'up', null, null, :'t0'), 'to find it well is no news');
select is (pg_temp.shown ('sms') ->> 'checked_at', '2026-03-02T10:00:00.000000Z', 'but it shows when it was asked for');
select ok (set_health (:acme, :sms, 'degraded', 'another URL is called', 'register ours', :'t0'), 'a fault is news');
select ok (not set_health (:acme, :sms, 'degraded', 'another URL is called', 'register ours', :'t0'::timestamptz + interval '15 minutes'), 'once');
select is ((select array_agg (number || ' ' || type || ' ' || channel_id) from gateway.event where account_id = :acme), array['1 channel.degraded ' || :sms], 'and one event');
select is ((select body::jsonb -> 'data' from api_events (:acme, 0, 10)),
           '{"channel": {"slug": "sms", "adapter": "twilio", "health": "degraded", "cause": "another URL is called", "remedy": "register ours", "since": "2026-03-02T10:00:00.000000Z"}}',
           'which tells what is wrong, what to do, and since when');
select ok (set_health (:acme, :sms, 'down', 'refused', null, :'t0'), 'worse is news');
select ok (set_health (:acme, :sms, 'up', null, null, :'t0'), 'and so is that it works again');
select is ((select array_agg (type order by number) from gateway.event where account_id = :acme), '{channel.degraded,channel.down,channel.up}', 'each has its event');
select is (pg_temp.shown ('sms') -> 'cause', 'null', 'what is mended is not shown any more');
select is ((select count (*) from gateway.event where account_id = :globex), 0::bigint, 'nothing of it is told to another account');

-- Pause.
select from pause_channel (:acme, :sms, :'t0');
select from pause_channel (:acme, :sms, :'t0'::timestamptz + interval '1 hour');
select ok ((pg_temp.shown ('sms') -> 'paused')::boolean, 'a channel that is paused says so');
select is ((select paused_at from operator_channels ('acme', 'sms')), :'t0'::timestamptz, 'since it first was');
select ok ((select paused from own_channels (md5 ('g')::uuid, array[:acme], array[:sms], '10 seconds')), 'whoever sends is told');
select from pause_channel (:acme, :sms, null);
select ok (not (pg_temp.shown ('sms') -> 'paused')::boolean, 'and it ends');

-- For the operator.
select results_eq ($$select account, channel, waiting from operator_channels (null, null)$$,
                   $$values ('acme', 'other', 0::bigint), ('acme', 'sms', 0), ('globex', 'sms', 0)$$, 'all channels, by name');
select is ((select count (*) from operator_channels ('globex', null)), 1::bigint, 'or those of an account');
select is ((select count (*) from operator_channels (null, 'sms')), 2::bigint, 'or those of a name');

-- What came in.
select results_eq (format ('select channel_id, seen_to from owned_channels (%L)', md5 ('g')::uuid), format ('values (%s::bigint, null::timestamptz)', :sms), 'of a new channel nothing is known');
select is_empty (format ('select * from owned_channels (%L)', md5 ('other')::uuid), 'a gateway looks after its own');
select results_eq (format ('select * from saw_channels (array[%s], array[%s], array[null::timestamptz], array[%L::timestamptz])', :acme, :sms, :'t0'),
                   format ('values (%s::bigint)', :sms), 'it begins when it is first seen');
select from missed_channels (array[:acme, :acme], array[:sms, :other]::bigint[], :'t0'::timestamptz - interval '1 minute');
select is (pg_temp.seen (:sms), :'t0'::timestamptz - interval '1 minute', 'a refusal moves it back');
select from missed_channels (array[:acme], array[:sms], :'t0');
select ok (pg_temp.seen (:sms) < :'t0'::timestamptz - interval '1 minute', 'always, so that whoever follows it sees it');
select is_empty (format ('select * from saw_channels (array[%s], array[%s], array[%L::timestamptz], array[%L::timestamptz])', :acme, :sms, :'t0', :'t0'::timestamptz + interval '1 hour'),
                 'who has looked at what came after has not seen all');
select ok (pg_temp.seen (:sms) < :'t0', 'and nothing moves');
select is ((select count (*) from saw_channels (array[:acme], array[:sms], array[:'t0'::timestamptz - interval '1 hour'], array[:'t0'::timestamptz])), 1::bigint, 'who has looked at it has');
select is (pg_temp.seen (:sms), :'t0'::timestamptz, 'so it moves on');

select pg_temp.give ('batch', jsonb_build_array (pg_temp.say (:acme, :sms, 'M2', 'tel:+15552220001'))) \gset
select results_eq (format ('select * from missing_messages (%s, %s, %L)', :acme, :sms, array[pg_temp.make_hash ('M1'), pg_temp.make_hash ('M2'), pg_temp.make_hash ('M3')]),
                   $$values (1::bigint), (3)$$, 'messages that came in are told from those that did not');
select is ((select count (*) from missing_messages (:acme, :other, array[pg_temp.make_hash ('M2')])), 1::bigint, 'by their channel');
select * from finish ();
rollback;
