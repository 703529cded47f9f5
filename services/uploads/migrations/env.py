from plumbing.postgres import migrations

migrations.run()
