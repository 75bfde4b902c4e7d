-- Whom most SQL tests are about: acme with two channels, globex with one that has the same name; ana and bob, who write to them. It begins at t0.
\ir give.sql

create function pg_temp.t0 () returns timestamptz language sql immutable as $$ select '2026-03-02 10:00:00+00'::timestamptz $$;
select pg_temp.t0 () as t0 \gset
select pg_temp.make_account ('acme') as acme, pg_temp.make_account ('globex') as globex \gset
select pg_temp.make_channel (:acme, 'sms') as sms, pg_temp.make_channel (:acme, 'other') as other, pg_temp.make_channel (:globex, 'sms') as gsms \gset
\set ana '''tel:+15552220001'''
\set bob '''tel:+15552220002'''
