-- Whom most SQL tests are about: acme with two channels, globex with one that has the same name; ana and bob, who write to them. It begins at t0.
\ir give.sql

create function pg_temp.t0 () returns timestamptz language sql immutable as $$ select '2026-03-02 10:00:00+00'::timestamptz $$;
select pg_temp.t0 () as t0 \gset
select pg_temp.make_account ('acme') as acme, pg_temp.make_account ('globex') as globex \gset
select pg_temp.make_channel (:acme, 'sms') as sms, pg_temp.make_channel (:acme, 'other') as other, pg_temp.make_channel (:globex, 'sms') as gsms \gset
\set ana '''tel:+15552220001'''
\set bob '''tel:+15552220002'''

create function pg_temp.is_whole_log (p_account bigint) returns text language sql as $$
    select is ((select array_agg (number order by number) from gateway.event where account_id = p_account),
               (select array_agg (g) from generate_series (1::bigint, (select last_event from gateway.counter where account_id = p_account)) g),
               'event numbers are 1, 2, 3 … without gaps')
$$;
