-- The log of an account, as whoever follows it reads it: in order, from any number, with the objects as they are now.
begin;
select plan (22);
\ir lib/world.sql

select results_eq (format ('select * from event_bounds (%s)', :acme), $$values (1::bigint, 0::bigint)$$, 'an empty log ends before it begins');
select pg_temp.give ('batch', jsonb_build_array (
    pg_temp.say (:acme, :sms, 'M1', 'tel:+15552220001', 'hello', :'t0'),
    pg_temp.say (:globex, :gsms, 'M1', 'tel:+15552220001', 'theirs', :'t0'),
    jsonb_build_object ('account', :acme, 'channel', :sms, 'at', :'t0', 'raw', 'riddle', 'quarantine', 'From is missing'),
    pg_temp.say (:acme, :sms, 'M2', 'tel:+15552220001', 'still there', :'t0'))) \gset

select results_eq (format ('select number, type from api_events (%s, 0, 100)', :acme),
    $$values (1::bigint, 'contact.created'), (2, 'ticket.created'), (3, 'message.received'), (4, 'message.received'), (5, 'input.quarantined')$$,
    'events are read in order');
select results_eq (format ('select number from api_events (%s, 2, 2)', :acme), $$values (3::bigint), (4)$$, 'after a number, so many');
select is_empty (format ('select * from api_events (%s, 5, 100)', :acme), 'after the last there is none');
select is ((select count (*) from api_events (:globex, 0, 100)), 3::bigint, 'an account reads its own only');
select results_eq (format ('select * from event_bounds (%s)', :acme), $$values (1::bigint, 5::bigint)$$, 'a log knows its ends');
select results_eq (format ('select * from event_heads (array[%s, %s, 0]::bigint[]) order by account_id', :acme, :globex),
                   format ('values (%s::bigint, 5::bigint), (%s, 3)', :acme, :globex), 'the heads of many are read at once');

create temporary view e as select number, body::jsonb as b from api_events ((select account_id from gateway.account where slug = 'acme'), 0, 100);
select is ((select array_agg (distinct k order by k) from e, jsonb_object_keys (b) k), '{at,data,message_id,number,ticket_id,type}', 'an event has the promised fields');
select is ((select b ->> 'at' from e where number = 3), '2026-03-02T10:00:00.000000Z', 'times in UTC with microseconds');
select is ((select array_agg (k order by k) from e, jsonb_object_keys (b -> 'data') k where number = 3), '{message,ticket}', 'a message''s event holds message and ticket');
select is ((select b -> 'data' -> 'message' from e where number = 3),
           (select m.body::jsonb - 'attempts' - 'receipts' from e, api_message (:acme, (b ->> 'message_id')::uuid) m where number = 3), 'the message as the API shows it');
select is ((select b -> 'data' -> 'ticket' from e where number = 3),
           (select t.body::jsonb from e, api_ticket (:acme, (b ->> 'ticket_id')::uuid) t where number = 3), 'the ticket, too');
select is ((select b -> 'data' -> 'message' ->> 'text' from e where number = 4), 'still there', 'each its own message');
select is ((select array_agg (k) from e, jsonb_object_keys (b -> 'data') k where number = 2), '{ticket}', 'a ticket''s event holds the ticket');
select is ((select b -> 'data' -> 'contact' -> 'addresses' from e where number = 1), '["tel:+15552220001"]', 'a contact''s event holds the contact');
select is ((select b -> 'data' -> 'quarantine' ->> 'reason' from e where number = 5), 'From is missing', 'a riddle''s event holds the entry');

select ticket_id as ticket from gateway.ticket where account_id = :acme \gset
select count (*) from api_ticket_patch (:acme, :'ticket', null, 'closed', null, :'t0') \gset
select is ((select b -> 'data' -> 'ticket' ->> 'status' from e where number = 2), 'closed', 'the objects are as they are when read');
select is ((select b ->> 'type' from e where number = 6), 'ticket.closed', 'and the log goes on');

-- What the planner knows is the worst there is: an analysis that found many pages and no row.
select pg_temp.give ('flood', (
    select jsonb_agg (pg_temp.say (:globex, :gsms, 'F' || n, 'tel:+15552220002', 'number ' || n, :'t0')) from generate_series (1, 100) n)) \gset
lock table gateway.message in share update exclusive mode;
update pg_class set relpages = 1000, reltuples = 0 where oid = 'gateway.message'::regclass;
create function pg_temp.channels_read () returns bigint language sql as $$
    select idx_scan from pg_stat_xact_user_tables where relid = 'gateway.channel'::regclass
$$;
select pg_temp.channels_read () as before \gset
select count (*) as n from api_events (:globex, 0, 200) \gset
select ok (pg_temp.channels_read () - :before between :n and 6 * :n, 'each event''s objects are built once, whatever the planner believes');

-- The oldest ones go with their retention.
delete from gateway.event where account_id = :acme and number <= 4;
select results_eq (format ('select * from event_bounds (%s)', :acme), $$values (5::bigint, 6::bigint)$$, 'who is asked for dropped events can say so');

-- Plans made while the tables were empty do not stay.
select is (current_setting ('plan_cache_mode'), 'auto', 'who read the log keeps their own settings');
select from plan_young ();
select is (current_setting ('plan_cache_mode'), case when c.reltuples < 1000 then 'force_custom_plan' else 'auto' end,
           'but on young tables every reading is planned anew') from pg_class c where oid = 'gateway.message'::regclass;
select * from finish ();
rollback;
