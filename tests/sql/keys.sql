-- Keys are found by their hash, until they expire or are revoked.
begin;
select plan (16);
\ir lib/give.sql

select pg_temp.make_account ('acme') as acme \gset
select lives_ok ($$select key_create ('acme', 'Acme Ltd', '/etc/a.yaml', '00000000-0000-7000-8000-000000000001', 'ci', sha256 ('one'), 'aaaa', null, null)$$, 'a key is made');
select results_eq ($$select * from key_find (sha256 ('one'))$$, format ($$values (%s::bigint, '00000000-0000-7000-8000-000000000001'::uuid, null::text)$$, :acme),
                   'and found, with its account; without scopes it may do everything there');
select is_empty ($$select * from key_find (sha256 ('another'))$$, 'an unknown key is not found');
select lives_ok ($$select key_create ('acme', 'Acme Ltd', '/etc/a.yaml', '00000000-0000-7000-8000-000000000002', 'r', sha256 ('two'), 'bbbb', '{tickets:read,messages:send}', null)$$, 'a key with scopes');
select is ((select scopes from key_find (sha256 ('two'))), '{tickets:read,messages:send}', 'keeps them');
select lives_ok ($$select key_create ('acme', 'Acme Ltd', '/etc/a.yaml', '00000000-0000-7000-8000-000000000003', 'x', sha256 ('three'), 'cccc', null, now () - interval '1 second')$$, 'a key of yesterday');
select is_empty ($$select * from key_find (sha256 ('three'))$$, 'has expired');
select lives_ok ($$select key_create ('acme', 'Acme Ltd', '/etc/a.yaml', '00000000-0000-7000-8000-000000000004', 'y', sha256 ('four'), 'dddd', null, now () + interval '1 hour')$$, 'a key of tomorrow');
select is ((select count (*) from key_find (sha256 ('four'))), 1::bigint, 'has not');
update gateway.key set revoked_at = now () where key_id = '00000000-0000-7000-8000-000000000004';
select is_empty ($$select * from key_find (sha256 ('four'))$$, 'revoked, it is not found');
select lives_ok ($$select key_create ('new', 'New Ltd', '/etc/a.yaml', '00000000-0000-7000-8000-000000000005', 'z', sha256 ('five'), 'eeee', null, null)$$,
                 'an account that no gateway has met yet');
select results_eq ($$select a.name, a.config_file from key_find (sha256 ('five')) k join gateway.account a using (account_id)$$,
                   $$values ('New Ltd', '/etc/a.yaml')$$, 'is made as its file says');
select results_eq ($$select name, config_file, disabled_at from gateway.account where slug = 'acme'$$,
                   $$values ('Acme', null::text, null::timestamptz)$$, 'one that is there stays as it is');
select throws_ok ($$select key_create ('acme', 'Acme Ltd', '/etc/a.yaml', '00000000-0000-7000-8000-000000000006', 'z', sha256 ('six'), 'ffff', '{tickets:fly}', null)$$, 'SB422', null,
                  'an unknown scope is refused');
update gateway.account set disabled_at = now () where account_id = :acme;
select is_empty ($$select * from key_find (sha256 ('one'))$$, 'a disabled account''s keys open nothing');
select is ((select count (*) from gateway.key where account_id = :acme), 4::bigint, 'and stay');
select * from finish ();
rollback;
