-- POSTs keep what they answered, for the same POST again; uploads; what URLs of files are signed with.
begin;
select plan (15);
\ir lib/world.sql

\set one '00000000-0000-7000-8000-000000000001'
\set two '00000000-0000-7000-8000-000000000002'
\set three '00000000-0000-7000-8000-000000000003'

create function pg_temp.upload (p_account bigint, p_key text, p_body text, p_id uuid) returns table (status int, id text, replayed boolean) language sql as $$
    select u.status, u.body::jsonb ->> 'id', u.replayed
    from post_attachment (p_account, sha256 (p_key::bytea), sha256 (p_body::bytea), p_id, 'image/png', p_body, 4, sha256 (p_body::bytea), pg_temp.t0 ()) u
$$;

select results_eq (format ($$select * from pg_temp.upload (%s, 'k', 'body', %L)$$, :acme, :'one'), format ($$values (201, %L, false)$$, :'one'), 'the first is done');
select results_eq (format ($$select * from pg_temp.upload (%s, 'k', 'body', %L)$$, :acme, :'two'), format ($$values (201, %L, true)$$, :'one'), 'the second has its answer');
select is ((select count (*) from gateway.attachment where account_id = :acme), 1::bigint, 'and does nothing');
select throws_ok (format ($$select * from pg_temp.upload (%s, 'k', 'other', %L)$$, :acme, :'two'), 'SB422', null, 'a key is for one body');
select results_eq (format ($$select * from pg_temp.upload (%s, 'k', 'body', %L)$$, :globex, :'two'), format ($$values (201, %L, false)$$, :'two'), 'another account''s key is another');
select results_eq (format ($$select * from pg_temp.upload (%s, null, 'body', %L)$$, :acme, :'three'), format ($$values (201, %L, false)$$, :'three'), 'without a key it is done');
select is ((select count (*) from gateway.idempotency), 2::bigint, 'and nothing is kept');

select throws_ok (format ($$select * from post_cancel (%s, sha256 ('c'), sha256 (''), %L, now ())$$, :acme, :'two'), 'SB404', null, 'what is not there cannot be canceled');
select throws_ok (format ($$select * from post_settle (%s, sha256 ('s'), sha256 (''), %L, 'sent', now ())$$, :acme, :'two'), 'SB404', null, 'nor settled');
select throws_ok (format ($$select * from post_reprocessed (%s, sha256 ('r'), sha256 (''), %L, now ())$$, :acme, :'two'), 'SB404', null, 'nor reprocessed');
select is ((select count (*) from gateway.idempotency), 2::bigint, 'a refusal is not kept');

select results_eq (format ($$select place, name from api_files (%s, array[%L, %L, %L]::uuid[])$$, :acme, :'three', :'two', :'one'),
                   $$values (0, 'body'), (2, 'body')$$, 'files in the order that is asked for, those of the account only');
update gateway.attachment set status = 'waiting' where attachment_id = :'one';
select is_empty (format ($$select * from api_files (%s, array[%L]::uuid[])$$, :acme, :'one'), 'a file that is not here yet is none');
select is (octet_length (media_secret ()), 48, 'every database has its own secret for URLs');
select is (media_secret (), media_secret (), 'made once');
select * from finish ();
rollback;
