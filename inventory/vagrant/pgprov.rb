# A Vagrant plugin in one file: `config.vm.provision :pgprov`. Copy it beside any Vagrantfile and say
#
#   require_relative "pgprov"
#
# Each machine's provisioner only reports that its machine is up. One run of pgprov for all of them follows when the
# vagrant command is done, in whatever order and however many at a time its provider brought them up. See docs/vagrant.md
# of pgprov. For Vagrant 2.2 and later, Ruby 2.7 and later.

require "fileutils"
require "json"
require "yaml"
require "vagrant/util/busy"
require "vagrant/util/subprocess"
require "vagrant/util/template_renderer"

module PgprovLab
  # A run that failed. Vagrant ends with pgprov's own exit code.
  class Error < Vagrant::Errors::VagrantError
    def error_message
      "pgprov did not complete (exit code #{status_code}); its messages are above.\n" \
        "The machines are up. The next `vagrant up` or `vagrant provision` tries again."
    end

    def status_code
      extra_data[:code] || 1
    end
  end

  # What a Vagrantfile may say:
  #
  #   inventory   file that refines the defaults, relative to the Vagrantfile; `false`: none; default: inventory.yml, if there
  #   groups      { "replicas" => ["pg2", "pg3"] }, or with settings { "replicas" => { "hosts" => [...], "postgresql" => {...} } }
  #   host_vars   { "pg3" => { "patroni" => { "tags" => { "nofailover" => true } } } }
  #   limit       machines that a run is for, or "all"; default: those that the vagrant command provisions
  #   extra_args  more options of `pgprov apply`, e.g. ["--diff"]
  #   command     how pgprov is called, default ["pgprov"]
  class Config < Vagrant.plugin("2", :config)
    OPTIONS = %i[inventory groups host_vars limit extra_args command].freeze
    attr_accessor(*OPTIONS)

    def initialize
      OPTIONS.each { |name| instance_variable_set("@#{name}", UNSET_VALUE) }
    end

    def finalize!
      defaults = { groups: {}, host_vars: {}, extra_args: [], command: ["pgprov"] }
      OPTIONS.each { |name| instance_variable_set("@#{name}", defaults[name]) if public_send(name) == UNSET_VALUE }
    end

    def validate(machine)
      errors = _detected_errors
      errors << "groups must be a hash of names: { \"replicas\" => [\"pg2\", \"pg3\"] }" unless groups.is_a?(Hash)
      errors << "host_vars must be a hash of machines: { \"pg3\" => { \"patroni\" => { ... } } }" unless host_vars.is_a?(Hash)
      errors << "limit must be a name, a list of names, or \"all\"" unless limit.nil? || Array(limit).all? { |name| name.is_a?(String) || name.is_a?(Symbol) }
      errors << "extra_args must be a list of strings" unless Array(extra_args).all? { |word| word.is_a?(String) }
      errors << "command must be a list of strings" unless !Array(command).empty? && Array(command).all? { |word| word.is_a?(String) }
      if inventory.is_a?(String) && !File.file?(File.expand_path(inventory, machine.env.root_path))
        errors << "inventory: there is no file #{inventory} beside the Vagrantfile"
      end
      { "pgprov provisioner" => errors }
    end
  end

  # Vagrant calls it for each machine, possibly in threads of their own.
  class Provisioner < Vagrant.plugin("2", :provisioner)
    def provision
      Command.provisioned(@machine, @config)
    end
  end

  # What the vagrant command that this process runs has done so far.
  module Command
    LOCK = Mutex.new
    @machines = {}
    @changed = nil

    class << self
      def provisioned(machine, config)
        LOCK.synchronize { @machines[machine.name] = [machine, config] }
        machine.ui.detail("waiting for the other machines; pgprov runs once for all")
      end

      def changed(machine)
        LOCK.synchronize { @changed = machine }
      end

      # At the end of the command. `failure` is what it failed with.
      def finish(environment, failure)
        machines, changed = LOCK.synchronize { [@machines, @changed].tap { @machines, @changed = {}, nil } }
        some = changed || machines.values.map(&:first).last
        return if some.nil? || environment.root_path.nil?

        Lab.new(environment, some.provider_name).finish(machines, failure)
      end
    end
  end

  # The machines of a Vagrantfile as pgprov sees them, and what is kept about them.
  class Lab
    Member = Struct.new(:machine, :config, :ssh_info)

    def initialize(environment, provider)
      @environment = environment
      @provider = provider
      @directory = environment.local_data_path.join("provisioners", "pgprov")
      @ui = Vagrant::UI::Prefixed.new(environment.ui, "pgprov")
    end

    # Tells pgprov what there is, and runs it for the machines that were provisioned.
    def finish(provisioned, failure)
      return forget if everything.none? { |member| member.machine.id }
      return if members.empty?

      wanted = kept_due | provisioned.keys.map(&:to_s)
      due = members.select { |member| member.machine.id }.map { |member| member.machine.name.to_s } & wanted
      # Vagrant has marked them as provisioned already, and would pass them over the next time.
      marks = provisioned.empty? ? {} : take_marks(due)
      keep(due)
      return if provisioned.empty?
      return @ui.warn("not run, for the vagrant command failed; the next `vagrant up` makes up for it") if failure

      config = provisioned.values.last[1]
      names = cluster_names(config)
      up = names.select { |name| by_name(name)&.ssh_info }
      return @ui.warn(waiting(up, names)) if config.limit.nil? && 2 * up.size <= names.size

      run(config, due & up, names)
      marks.each { |file, text| file.write(text) }
      keep([])
    end

    private

    # Nothing of destroyed machines may meet new ones: their cluster's keys, their host keys.
    def forget
      FileUtils.rm_rf(@directory)
      parent = @directory.parent
      parent.rmdir if parent.directory? && parent.empty?
    end

    def everything
      @everything ||= begin
        active = @environment.active_machines.to_h
        options = @environment.vagrantfile.machine_names_and_options
        options.filter_map do |name, option|
          next if option[:autostart] == false && !active.key?(name)

          machine = @environment.machine(name, active[name] || @provider)
          provisioner = machine.config.vm.provisioners.find { |candidate| candidate.type.to_sym == :pgprov }
          Member.new(machine, provisioner&.config, machine.id && machine.ssh_info)
        end
      end
    end

    # The machines that have the provisioner; where only one has, as the last machine of many a playbook's lab, it
    # stands for all.
    def members
      @members ||= begin
        with = everything.select(&:config)
        with.size == 1 ? everything : with
      end
    end

    def stands_for_all?
      everything.count(&:config) == 1
    end

    def by_name(name)
      members.find { |member| member.machine.name.to_s == name }
    end

    def settings
      members.filter_map(&:config).last
    end

    def file
      @directory.join("lab.json")
    end

    def kept_due
      file.file? ? JSON.parse(file.read).fetch("due", []) : []
    rescue JSON::ParserError
      []
    end

    # The interface to pgprov, which reads it with `--vagrant`.
    def keep(due)
      facts = {
        machines: members.map { |member| facts_of(member) },
        due: due,
        inventory: settings.inventory.is_a?(String) ? File.expand_path(settings.inventory, @environment.root_path) : settings.inventory,
        groups: settings.groups,
        host_vars: settings.host_vars,
      }
      FileUtils.mkdir_p(@directory)
      draft = @directory.join("lab.json.new")
      File.open(draft, "w", 0o600) { |out| out.write(JSON.pretty_generate(facts), "\n") }
      File.rename(draft, file)
    end

    def facts_of(member)
      _, network = member.machine.config.vm.networks.find { |type, options| type == :private_network && options[:ip] }
      {
        name: member.machine.name,
        id: member.machine.id,
        running: !member.ssh_info.nil?,
        address: network && network[:ip],
        ssh_config: member.ssh_info && ssh_config(member.machine.name, member.ssh_info),
      }
    end

    # What `vagrant ssh-config` would print; that command fails as soon as one machine is down.
    def ssh_config(name, info)
      same = %i[keys_only verify_host_key private_key_path log_level forward_agent forward_x11 proxy_command ssh_command forward_env config]
      values = same.map { |key| [key, info[key]] }.to_h
      values.update(host_key: name, ssh_host: info[:host], ssh_port: info[:port], ssh_user: info[:username])
      Vagrant::Util::TemplateRenderer.render("commands/ssh_config/config", values)
    end

    def take_marks(names)
      files = names.map { |name| by_name(name).machine.data_dir.join("action_provision") }.select(&:file?)
      files.map { |mark| [mark, mark.read] }.to_h.tap { files.each(&:delete) }
    end

    # The machines of the cluster: an inventory may list fewer than there are.
    def cluster_names(config)
      path = File.expand_path(config.inventory || "inventory.yml", @environment.root_path) unless config.inventory == false
      listed = path && File.file?(path) ? YAML.safe_load(File.read(path), aliases: true) : nil
      hosts = listed.is_a?(Hash) && listed["hosts"].is_a?(Hash) ? listed["hosts"].keys : nil
      hosts || members.map { |member| member.machine.name.to_s }
    rescue Psych::Exception
      members.map { |member| member.machine.name.to_s }
    end

    def waiting(up, names)
      "not run yet: of #{names.join(", ")} #{up.empty? ? "none" : "only #{up.join(", ")}"} #{up.size < 2 ? "is" : "are"} up, " \
        "and a cluster needs more than half of them; `vagrant up` of another makes up for it"
    end

    def run(config, due, names)
      limit = config.limit.nil? && !stands_for_all? ? due : Array(config.limit || "all").map(&:to_s)
      aim = limit == ["all"] || limit.sort == names.sort ? [] : ["--host", limit.join(",")]
      # Nobody can be asked here, and a lab is there to be changed.
      command = [*Array(config.command), "apply", "--vagrant", @environment.root_path.to_s, "--yes", *aim, *Array(config.extra_args)]
      @ui.output("Running pgprov for #{limit.join(", ")}")
      @ui.detail(command.join(" "))
      code = execute(command)
      raise Error, code: code unless code.zero?
    end

    # Ctrl-C reaches pgprov by itself, which then lets the steps under way end; so it is waited for.
    def execute(command)
      colour = @environment.ui.color? ? { "FORCE_COLOR" => "1" } : { "NO_COLOR" => "1" }
      options = { notify: %i[stdout stderr], workdir: @environment.root_path.to_s, env: colour }
      interrupted = -> {}
      Vagrant::Util::Busy.busy(interrupted) do
        result = Vagrant::Util::Subprocess.execute(*command, options) do |type, text|
          channel = type == :stderr ? { channel: :error } : {}
          @environment.ui.detail(text, new_line: false, prefix: false, **channel)
        end
        result.exit_code || 1
      end
    end
  end

  # Runs around the whole of an action of a machine.
  class Changed
    def initialize(app, _env)
      @app = app
    end

    def call(env)
      Command.changed(env[:machine])
      @app.call(env)
    end
  end

  # Runs at the end of every vagrant command.
  class AtTheEnd
    def initialize(app, _env)
      @app = app
    end

    def call(env)
      # An exception that is on its way out here is what the command failed with.
      Command.finish(env[:env], $!)
      @app.call(env)
    end
  end

  class Plugin < Vagrant.plugin("2")
    name "pgprov"
    description "Makes the machines a PostgreSQL cluster, with one run of pgprov."
    config(:pgprov, :provisioner) { Config }
    provisioner(:pgprov) { Provisioner }
    %i[up halt reload suspend resume destroy provision].each do |action|
      action_hook(:pgprov_changed, :"machine_action_#{action}") { |hook| hook.prepend(Changed) }
    end
    action_hook(:pgprov_end, :environment_unload) { |hook| hook.prepend(AtTheEnd) }
  end
end
